"""The shared diagnosis: needs are voiced, examined, and answered for one by one (§4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict

from domain.kernel.act import Act, Body
from domain.kernel.contract import earliest
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from domain.kernel.values import NeedId, PlenaryId, RestrictedText, Term, Text, ThemeId, Title
from domain.rules.gathering import QUORATE, NotLaunched
from domain.rules.references import (
    AlreadyKnown,
    Reference,
    UnknownTheme,
    is_new,
    is_theme,
    refers,
)

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

HEARING = {
    Body.PLENARY,
    Body.WORKING_GROUP,
    Body.COMMISSION,
    Body.SERVICE,
    Body.COMMUNITY_UNIT,
    Body.COORDINATOR,
}


class Origin(Term):
    """Where a need was voiced."""

    PLENARY = "plenary", "conférence de quartier", "plenary"
    WORKING_GROUP = "working_group", "groupe de travail", "working group"
    SERVICE = "service", "service municipal", "municipal service"
    PROMOTION = "promotion", "promotion de proximité", "promotion"
    WRITTEN = "written", "contribution écrite", "written contribution"


class Point(BaseModel):
    """A place on the map: WGS 84 degrees, inside the canton's bounding box."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    longitude: Annotated[float, Ge(5.95), Le(6.32)]
    latitude: Annotated[float, Ge(46.12), Le(46.37)]


class NeedSettled(Rule, basis="4.2"):
    """A need is merged, set aside or retained once."""

    fr = "Le sort du besoin « {need} » est déjà décidé."
    en = "What becomes of the need “{need}” is already decided."


class MergedIntoItself(Rule, basis="4.2"):
    """Needs are merged into another one."""

    fr = "Le besoin « {need} » ne peut être réuni à lui-même."
    en = "The need “{need}” cannot be merged into itself."


class NeedLeftOpen(Rule, basis="4.2"):
    """Every need that was voiced is retained, merged or set aside with a reason."""

    fr = "Le besoin « {need} » n'est ni retenu, ni réuni à un autre, ni écarté."
    en = "The need “{need}” is neither retained, nor merged, nor set aside."


class DiagnosisTooShort(Rule, basis="4.2", departable=True):
    """The diagnosis takes seven to ten months from the launch."""

    fr = "Diagnostic partagé le {shared_on}, avant les {months} mois attendus (dès le {from_})."
    en = "Diagnosis shared on {shared_on}, before the {months} months expected (from {from_} on)."


class DiagnosisTooLong(Rule, basis="4.2", departable=True):
    """The diagnosis takes seven to ten months from the launch."""

    fr = "Diagnostic partagé le {shared_on}, au-delà des {months} mois attendus (jusqu'au {until})."
    en = "Diagnosis shared on {shared_on}, beyond the {months} months expected (until {until})."


def _is_open(contract: Contract, act: Act, *needs: NeedId) -> Iterator[Reference | NeedSettled]:
    yield from refers(contract, act, "needs", *dict.fromkeys(needs))
    for need in dict.fromkeys(needs):
        known = contract.needs.get(need)
        if known is not None and known.outcome is not None:
            yield NeedSettled(need=need)


class NeedExpressed(Decision, taken_by=HEARING, basis="4.2"):
    """A need of the neighbourhood is voiced, in the words of whoever voiced it.

    Plenaries go on hearing needs every year (§3.1), so the diagnosis may be shared already.
    """

    fr = "Besoin exprimé"

    need: NeedId
    title: Title
    origin: Origin
    theme: ThemeId
    text: RestrictedText
    point: Point | None = None
    plenary: PlenaryId | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[AlreadyKnown | UnknownTheme | Reference]:
        yield from is_new(contract, "needs", self.need)
        yield from is_theme(act, self.theme)
        if self.plenary is not None:
            yield from refers(contract, act, "plenaries", self.plenary)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.needs[self.need].expressed_on = act.decided_on


class NeedsMerged(Decision, taken_by={Body.COMMISSION, Body.WORKING_GROUP}, basis="4.2"):
    """Several needs say the same: they live on in one."""

    fr = "Besoins réunis"
    requires = QUORATE

    needs: Annotated[tuple[NeedId, ...], MinLen(1), MaxLen(500)]
    into: NeedId

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NeedSettled | MergedIntoItself]:
        yield from _is_open(contract, act, *self.needs)
        if self.into in self.needs:
            yield MergedIntoItself(need=self.into)
            return
        into = contract.needs.get(self.into)
        if into is not None and into.outcome == "retained":
            yield from refers(contract, act, "needs", self.into)
        else:
            yield from _is_open(contract, act, self.into)

    def apply(self, contract: Contract, act: Act) -> None:
        for need in self.needs:
            contract.needs[need].outcome = "merged"
            contract.needs[need].into = self.into


class NeedSetAside(Decision, taken_by={Body.COMMISSION}, basis="4.2"):
    """The commission does not pursue a need, and says why."""

    fr = "Besoin écarté"
    requires = QUORATE

    need: NeedId
    reason: Text

    def judge(self, contract: Contract, act: Act) -> Iterator[Reference | NeedSettled]:
        yield from _is_open(contract, act, self.need)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.needs[self.need].outcome = "set_aside"


class DiagnosisShared(Decision, taken_by={Body.COMMISSION}, basis="4.2"):
    """The commission shares the diagnosis, with the needs it retains.

    Needs that are voiced afterwards are taken in by sharing again what was added.
    """

    fr = "Diagnostic partagé"
    requires = (NotLaunched, *QUORATE)

    needs: Annotated[tuple[NeedId, ...], MinLen(1), MaxLen(1000)]
    text: Text

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NeedSettled | NeedLeftOpen | DiagnosisTooShort | DiagnosisTooLong]:
        yield from _is_open(contract, act, *self.needs)
        for need, known in contract.needs.items():
            if known.outcome is None and need not in self.needs:
                yield NeedLeftOpen(need=need)
        launched, framework = contract.launched_on, contract.framework
        if launched is None or contract.diagnosis_shared_on is not None:
            return
        least, most = framework.diagnosis_at_least, framework.diagnosis_at_most
        if least is not None and act.decided_on < least.after(launched):
            yield DiagnosisTooShort(
                shared_on=act.decided_on, from_=least.after(launched), months=least.count
            )
        if most is not None and act.decided_on > most.after(launched):
            yield DiagnosisTooLong(
                shared_on=act.decided_on, until=most.after(launched), months=most.count
            )

    def apply(self, contract: Contract, act: Act) -> None:
        contract.diagnosis_shared_on = earliest(contract.diagnosis_shared_on, act.decided_on)
        for need in self.needs:
            contract.needs[need].outcome = "retained"
