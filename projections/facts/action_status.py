"""How far an action has come, as several read models show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.chapters.actions import ActionProposed, ActionRetained, ActionSetAside
from domain.chapters.approval import Verdict
from domain.chapters.follow_up import ActionAbandoned, ActionCompleted, ActionStarted
from domain.chapters.handover import HandoverAccepted
from domain.kernel.values import Term

if TYPE_CHECKING:
    from domain.kernel.decision import Decision


class ActionStatus(Term):
    """The last thing that was decided of an action as a whole."""

    PROPOSED = "proposed", "proposée", "proposed"
    RETAINED = "retained", "retenue", "retained"
    SET_ASIDE = "set_aside", "écartée", "set aside"
    APPROVED = "approved", "approuvée", "approved"
    REFUSED = "refused", "refusée", "refused"
    UNDER_WAY = "under_way", "en cours de réalisation", "under way"
    COMPLETED = "completed", "achevée", "completed"
    ABANDONED = "abandoned", "abandonnée", "abandoned"
    HANDED_OVER = "handed_over", "remise à un relais", "handed over"

    def answered(self, verdict: Verdict) -> ActionStatus:
        """The status once the council has answered: approving again takes nothing back."""
        if verdict is Verdict.REFUSED:
            return ActionStatus.REFUSED
        return self if self in _BEYOND_APPROVAL else ActionStatus.APPROVED


_BEYOND_APPROVAL = {
    ActionStatus.UNDER_WAY,
    ActionStatus.COMPLETED,
    ActionStatus.ABANDONED,
    ActionStatus.HANDED_OVER,
}

STATUSES: dict[type[Decision], ActionStatus] = {
    ActionProposed: ActionStatus.PROPOSED,
    ActionRetained: ActionStatus.RETAINED,
    ActionSetAside: ActionStatus.SET_ASIDE,
    ActionStarted: ActionStatus.UNDER_WAY,
    ActionCompleted: ActionStatus.COMPLETED,
    ActionAbandoned: ActionStatus.ABANDONED,
    HandoverAccepted: ActionStatus.HANDED_OVER,
}
"""The decision types about one action that change its status; `RoadmapApproved` answers many."""
