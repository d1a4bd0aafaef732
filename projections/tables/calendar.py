"""The calendar answers: what takes place, and what is due, on which day, in which contract?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from domain.chapters.closure import ClosureOpened, ContractClosed
from domain.chapters.diagnosis import DiagnosisShared
from domain.chapters.follow_up import (
    ActionAbandoned,
    ActionCompleted,
    ActionRescheduled,
    ActionStarted,
    MilestoneReached,
    MilestoneSet,
)
from domain.chapters.handover import HandoverProposed
from domain.chapters.initiation import ContractInitiated, ContractInterrupted
from domain.chapters.plenaries import (
    PlenaryCancelled,
    PlenaryConvened,
    PlenaryHeld,
    PlenaryPostponed,
)
from domain.kernel.decision import Recorded
from domain.kernel.framework import CADRE_2014, FRAMEWORKS, Framework
from domain.kernel.values import Term, Title
from projections.engine.keyset import Page, page, place_of
from projections.engine.sql import select
from projections.engine.table import ONE, Relation, Table, Written
from projections.facts.facts import word

if TYPE_CHECKING:
    from domain.kernel.values import ContractId


class Occasion(Term):
    """What a day in the calendar is."""

    PLENARY = "plenary", "conférence de quartier", "plenary"
    MILESTONE = "milestone", "jalon", "milestone"
    ACTION_END = "action_end", "fin prévue d'une action", "expected end of an action"
    HANDOVER = "handover", "reprise par un relais", "takeover by a relay"
    NEXT_PLENARY_DUE = "next_plenary_due", "conférence annuelle attendue", "yearly plenary due"
    DIAGNOSIS_DUE = "diagnosis_due", "diagnostic attendu", "diagnosis due"
    TERM = "term", "terme du contrat", "term of the contract"


class DayState(Term):
    """Whether a day still lies ahead. A passed day that is still expected is overdue."""

    EXPECTED = "expected", "attendu", "expected"
    DONE = "done", "fait", "done"
    DROPPED = "dropped", "abandonné", "dropped"


@dataclass(slots=True)
class Day:
    """`day` is when it is expected, or took place. `position`: the decision that says so."""

    day: date = date.max
    state: DayState = DayState.EXPECTED
    title: Title | None = None
    position: int = 0


@dataclass(slots=True)
class Pinned:
    """The framework the contract's own dates are worked out by."""

    framework: str = "cadre-2014"
    launched_on: date | None = None
    shared: bool = False


DAYS = Relation("calendar_day", Day, key=("occasion", "subject"))
PINNED = Relation("calendar_framework", Pinned)

calendar = Table("calendar", version=1, relations=(DAYS, PINNED))


def _set(
    rows: Written,
    occasion: Occasion,
    subject: str,
    day: date,
    recorded: Recorded[Any],
    title: Title | None = None,
) -> None:
    row = rows[DAYS][occasion.value, subject]
    row.day, row.position = day, recorded.position
    row.title = title or row.title


def _end(
    rows: Written,
    occasion: Occasion,
    subject: str,
    recorded: Recorded[Any],
    state: DayState = DayState.DONE,
) -> None:
    if (occasion.value, subject) in rows[DAYS]:
        row = rows[DAYS][occasion.value, subject]
        row.state, row.position = state, recorded.position
        if state is DayState.DONE:
            row.day = recorded.act.decided_on


def _framework(rows: Written) -> Framework:
    pinned = rows[PINNED].get(ONE)
    return FRAMEWORKS.get(pinned.framework, CADRE_2014) if pinned else CADRE_2014


@calendar.on(ContractInitiated)
def _(rows: Written, decision: ContractInitiated, recorded: Recorded[Any]) -> None:
    rows[PINNED][ONE].framework = decision.framework


# --- Plenaries ----------------------------------------------------------------------------------


@calendar.on(PlenaryConvened)
def _(rows: Written, decision: PlenaryConvened, recorded: Recorded[Any]) -> None:
    _set(rows, Occasion.PLENARY, decision.plenary, decision.date, recorded, decision.place)


@calendar.on(PlenaryPostponed)
def _(rows: Written, decision: PlenaryPostponed, recorded: Recorded[Any]) -> None:
    _set(rows, Occasion.PLENARY, decision.plenary, decision.date, recorded)


@calendar.on(PlenaryCancelled)
def _(rows: Written, decision: PlenaryCancelled, recorded: Recorded[Any]) -> None:
    _end(rows, Occasion.PLENARY, decision.plenary, recorded, DayState.DROPPED)


@calendar.on(PlenaryHeld)
def _(rows: Written, decision: PlenaryHeld, recorded: Recorded[Any]) -> None:
    held_on, framework = recorded.act.decided_on, _framework(rows)
    _set(rows, Occasion.PLENARY, decision.plenary, held_on, recorded)
    _end(rows, Occasion.PLENARY, decision.plenary, recorded)
    if framework.plenary_every:
        due = framework.plenary_every.after(held_on)
        before = rows[DAYS].get((Occasion.NEXT_PLENARY_DUE.value, ""))
        if before is None or before.day < due:
            _set(rows, Occasion.NEXT_PLENARY_DUE, "", due, recorded)
    pinned = rows[PINNED][ONE]
    if pinned.launched_on is None or held_on < pinned.launched_on:
        pinned.launched_on = held_on
        if framework.diagnosis_at_most and not pinned.shared:
            due = framework.diagnosis_at_most.after(held_on)
            _set(rows, Occasion.DIAGNOSIS_DUE, "", due, recorded)
        if framework.lasts:
            _set(rows, Occasion.TERM, "", framework.lasts.after(held_on), recorded)


@calendar.on(DiagnosisShared)
def _(rows: Written, decision: DiagnosisShared, recorded: Recorded[Any]) -> None:
    if not rows[PINNED][ONE].shared:
        rows[PINNED][ONE].shared = True
        _end(rows, Occasion.DIAGNOSIS_DUE, "", recorded)


# --- Actions ------------------------------------------------------------------------------------


@calendar.on(MilestoneSet)
def _(rows: Written, decision: MilestoneSet, recorded: Recorded[Any]) -> None:
    subject = f"{decision.action}/{decision.milestone}"
    _set(rows, Occasion.MILESTONE, subject, decision.due, recorded, decision.title)


@calendar.on(MilestoneReached)
def _(rows: Written, decision: MilestoneReached, recorded: Recorded[Any]) -> None:
    _end(rows, Occasion.MILESTONE, f"{decision.action}/{decision.milestone}", recorded)


@calendar.on(ActionStarted, ActionRescheduled)
def _(rows: Written, decision: ActionStarted | ActionRescheduled, recorded: Recorded[Any]) -> None:
    if decision.expected_end is not None:
        _set(rows, Occasion.ACTION_END, decision.action, decision.expected_end, recorded)


@calendar.on(HandoverProposed)
def _(rows: Written, decision: HandoverProposed, recorded: Recorded[Any]) -> None:
    _set(rows, Occasion.HANDOVER, decision.action, decision.starts_on, recorded)


@calendar.on(ActionCompleted)
def _(rows: Written, decision: ActionCompleted, recorded: Recorded[Any]) -> None:
    _end(rows, Occasion.ACTION_END, decision.action, recorded)


@calendar.on(ActionAbandoned)
def _(rows: Written, decision: ActionAbandoned, recorded: Recorded[Any]) -> None:
    prefix = f"{decision.action}/"
    for occasion, subject in list(rows[DAYS]):
        if subject == decision.action or subject.startswith(prefix):
            _drop(rows, occasion, subject, recorded)


def _drop(rows: Written, occasion: str, subject: str, recorded: Recorded[Any]) -> None:
    row = rows[DAYS].get((occasion, subject))
    if row is not None and row.state is DayState.EXPECTED:
        _end(rows, word(Occasion, occasion), subject, recorded, DayState.DROPPED)


# --- The end ------------------------------------------------------------------------------------


@calendar.on(ClosureOpened)
def _(rows: Written, decision: ClosureOpened, recorded: Recorded[Any]) -> None:
    _end(rows, Occasion.TERM, "", recorded)
    _drop(rows, Occasion.NEXT_PLENARY_DUE.value, "", recorded)


@calendar.on(ContractInterrupted, ContractClosed)
def _(
    rows: Written, decision: ContractInterrupted | ContractClosed, recorded: Recorded[Any]
) -> None:
    """A relay may still answer, and take over, after an interruption."""
    for occasion, subject in list(rows[DAYS]):
        if occasion != Occasion.HANDOVER.value:
            _drop(rows, occasion, subject, recorded)


# --- Queries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DayOf:
    """A day of some contract. `subject`: a plenary, an action, a milestone `action/milestone`."""

    contract: ContractId
    occasion: Occasion
    subject: str
    day: Day


def days(
    *,
    since: date = date.min,
    until: date = date.max,
    contract: ContractId | None = None,
    occasion: Occasion | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[DayOf]:
    """Days in order, the first and the last included.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    place = place_of(cursor, str, str, str, str) or ("", "", "", "")
    # The later of both opens the range: nothing before it is read.
    place = max(place, (since.isoformat(), "", "", ""))
    conditions, parameters = "", list[Any]()
    if contract is not None:
        conditions += " AND contract = %s"
        parameters.append(contract)
    if occasion is not None:
        conditions += " AND occasion = %s"
        parameters.append(occasion.value)
    found = select(
        "SELECT contract, occasion, subject, day, state, title, position FROM calendar_day"  # noqa: S608
        " WHERE (day, contract, occasion, subject) > (%s::date, %s, %s, %s)"
        f" AND day <= %s{conditions}"
        " ORDER BY day, contract, occasion, subject LIMIT %s",
        [*place, until, *parameters, limit + 1],
    )
    rows = [DayOf(row[0], word(Occasion, row[1]), row[2], DAYS.of(row[1:])[1]) for row in found]
    return page(
        rows, limit, lambda row: (row.day.day, row.contract, row.occasion.value, row.subject)
    )
