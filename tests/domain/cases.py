"""Every law that the chapters' tests state, with those that hold for every decision type alike.

What is general is not taken for granted: it is stated, and run, for each type anew. It is made
from the type's first accepted case, which therefore names all that the type can refer to.
"""

import importlib
from dataclasses import replace

from domain.catalogue import CHAPTERS, catalogue
from domain.chapters.commission import DelegatesResigned
from domain.chapters.initiation import ContractInitiated
from domain.kernel.act import Body
from domain.kernel.days import FIRST_DAY
from domain.kernel.decision import GENERAL, Decision
from domain.kernel.life_cycle import (
    DecidedBeforeTheContract,
    DecidedInTheFuture,
    DepartureWithoutCause,
    NotUnderWay,
    OutsideTheCalendar,
)
from domain.kernel.rule import Rule
from domain.rules.gathering import CommissionInquorate, CommissionNotConstituted, NotLaunched
from domain.rules.references import DatedBeforeItsSubject, Unknown
from tests.domain.given import ONE_DAY, Accepted, Law, Laws, Refused, Taken, person, take
from tests.domain.stages import INITIATED, INITIATES, LAUNCHED, PROMOTED

CHAPTER_TESTS = tuple(f"test_{module.__name__.rpartition('.')[2]}" for module in CHAPTERS)


def stated() -> list[Law]:
    """The laws of all the chapters' tests."""
    return [
        law
        for name in CHAPTER_TESTS
        for law in importlib.import_module(f"tests.domain.{name}").LAWS.values()
    ]


def accepted() -> dict[type[Decision], Accepted]:
    """The first accepted case of each type."""
    first: dict[type[Decision], Accepted] = {}
    for law in stated():
        if isinstance(law, Accepted):
            first.setdefault(law.kind, law)
    return first


def _refused(law: Law, rule: type[Rule], *, story=None, taken: Taken | None = None) -> Refused:
    return Refused(law.story if story is None else story, taken or law.taken, (rule,), among=True)


def _general(law: Accepted) -> Laws:
    """The same decision, in circumstances that each general rule stands against."""
    taken = law.taken
    of_commission = replace(taken, by=Body.COMMISSION)
    last = law.story[-1].decided_on if law.story else INITIATES.decided_on
    resigns = take(DelegatesResigned, last, persons=[person("anna")], reason="Trop lent.")
    new = law.kind is ContractInitiated
    cases = {
        NotUnderWay: _refused(law, NotUnderWay, story=INITIATED if new else ()),
        DecidedInTheFuture: _refused(
            law, DecidedInTheFuture, taken=replace(taken, today=taken.decided_on - ONE_DAY)
        ),
        DecidedBeforeTheContract: _refused(
            law,
            DecidedBeforeTheContract,
            story=law.story or INITIATED,
            taken=taken.on(INITIATES.decided_on - ONE_DAY),
        ),
        OutsideTheCalendar: _refused(law, OutsideTheCalendar, taken=taken.on(FIRST_DAY - ONE_DAY)),
        DepartureWithoutCause: _refused(
            law, DepartureWithoutCause, taken=replace(taken, departing=("not-a-rule",))
        ),
        NotLaunched: _refused(law, NotLaunched, story=PROMOTED),
        CommissionNotConstituted: _refused(
            law, CommissionNotConstituted, story=LAUNCHED, taken=of_commission
        ),
        CommissionInquorate: _refused(
            law,
            CommissionInquorate,
            story=(*law.story, resigns),
            taken=of_commission.on(max(last, taken.decided_on)),
        ),
        Unknown: _refused(law, Unknown, story=INITIATED),
        DatedBeforeItsSubject: _refused(
            law, DatedBeforeItsSubject, taken=taken.on(INITIATES.decided_on)
        ),
    }
    return {
        f"{law.kind.slug}: {rule.id}": case
        for rule, case in cases.items()
        if rule in law.kind.rules()
    }


def general() -> Laws:
    """What holds for every type that may be refused so, whatever its chapter says besides."""
    return {title: law for first in accepted().values() for title, law in _general(first).items()}


def pairs() -> set[tuple[str, str]]:
    """Every decision type with every rule that it can be refused by."""
    return {(kind.slug, rule.id) for kind in catalogue().values() for rule in kind.rules()}


assert set(GENERAL) == {
    NotUnderWay,
    DecidedInTheFuture,
    DecidedBeforeTheContract,
    OutsideTheCalendar,
    DepartureWithoutCause,
}
