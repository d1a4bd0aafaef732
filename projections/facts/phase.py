"""The stages of the Cadre (§4), and which decision begins each; where a contract stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.chapters.approval import RoadmapApproved
from domain.chapters.closure import ClosureOpened, ContractClosed
from domain.chapters.diagnosis import DiagnosisShared
from domain.chapters.initiation import (
    ContractInitiated,
    ContractInterrupted,
    ContractResumed,
    ContractSuspended,
)
from domain.chapters.plenaries import PlenaryHeld
from domain.chapters.promotion import PromotionStarted
from domain.kernel.life_cycle import Standing
from domain.kernel.values import Term

if TYPE_CHECKING:
    from domain.kernel.decision import Decision


class Phase(Term):
    """The furthest stage a contract has come to; they follow one another in this order."""

    INITIATION = "initiation", "initiation", "initiation"
    PROMOTION = "promotion", "promotion de l'initiative", "promotion"
    DIAGNOSIS = "diagnosis", "diagnostic", "diagnosis"
    ROADMAP = "roadmap", "établissement de la feuille de route", "drawing up the roadmap"
    FOLLOW_UP = "follow_up", "suivi de la mise en œuvre", "follow-up"
    CLOSURE = "closure", "clôture", "closure"
    ENDED = "ended", "terminé", "ended"

    def then(self, kind: type[Decision]) -> Phase:
        """The phase after a decision of that type: nothing leads back."""
        begun = STAGES.get(kind, self)
        return begun if _ORDER[begun] > _ORDER[self] else self


_ORDER = {phase: place for place, phase in enumerate(Phase)}

STAGES: dict[type[Decision], Phase] = {
    ContractInitiated: Phase.INITIATION,
    PromotionStarted: Phase.PROMOTION,
    PlenaryHeld: Phase.DIAGNOSIS,
    DiagnosisShared: Phase.ROADMAP,
    RoadmapApproved: Phase.FOLLOW_UP,
    ClosureOpened: Phase.CLOSURE,
    ContractClosed: Phase.ENDED,
    ContractInterrupted: Phase.ENDED,
}
"""The decision types that begin a stage, the first time they are taken."""

STANDINGS: dict[type[Decision], Standing] = {
    ContractInitiated: Standing.UNDER_WAY,
    ContractSuspended: Standing.SUSPENDED,
    ContractResumed: Standing.UNDER_WAY,
    ContractInterrupted: Standing.INTERRUPTED,
    ContractClosed: Standing.CLOSED,
}
"""The decision types that change where a contract stands as a whole."""

ENDS = (ContractClosed, ContractInterrupted)
