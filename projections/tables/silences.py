"""The silences answer: who was asked, has not answered, and since when?

Every submission to a body starts a clock, which its answer stops. How long it has been running is
worked out when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from domain.chapters.approval import RoadmapApproved, RoadmapEndorsed, RoadmapReturned
from domain.chapters.closure import ContractClosed
from domain.chapters.credit import CreditRefused, CreditRequested, CreditVoted
from domain.chapters.follow_up import ActionAbandoned
from domain.chapters.funding import FundingRouteReplaced
from domain.chapters.handover import HandoverAccepted, HandoverDeclined, HandoverProposed
from domain.chapters.initiation import ContractInterrupted
from domain.chapters.roadmap import RoadmapSubmitted
from domain.kernel.act import Body
from domain.kernel.decision import Recorded
from domain.kernel.values import Term
from projections.engine.keyset import Page, page, place_of
from projections.engine.sql import select
from projections.engine.table import Relation, Table, Written
from projections.facts.facts import word

if TYPE_CHECKING:
    from domain.kernel.values import ContractId


class Question(Term):
    """What was submitted, and to whom."""

    ROADMAP_AT_STEERING_COMMITTEE = (
        "roadmap_at_steering_committee",
        "feuille de route au Comité de pilotage",
        "roadmap at the steering committee",
    )
    ROADMAP_AT_COUNCIL = (
        "roadmap_at_council",
        "feuille de route au Conseil administratif",
        "roadmap at the administrative council",
    )
    CREDIT_AT_MUNICIPAL_COUNCIL = (
        "credit_at_municipal_council",
        "crédit au Conseil municipal",
        "credit at the municipal council",
    )
    HANDOVER_AT_RELAY = "handover_at_relay", "remise à un relais", "handover at a relay"


class ClockState(Term):
    """Whether a clock is running."""

    RUNNING = "running", "sans réponse", "unanswered"
    ANSWERED = "answered", "répondu", "answered"
    LAPSED = "lapsed", "devenu sans objet", "lapsed"


@dataclass(slots=True)
class Silence:
    """A clock: started by one decision, stopped by another. It may be started again."""

    body: Body | None = None
    state: ClockState = ClockState.RUNNING
    since: date = date.min
    asked_at: int = 0
    until: date | None = None
    answered_at: int | None = None


CLOCKS = Relation("silence", Silence, key=("question", "subject"))

silences = Table("silences", version=1, relations=(CLOCKS,))


def _start(
    rows: Written, question: Question, subject: str, body: Body, recorded: Recorded[Any]
) -> None:
    rows[CLOCKS][question.value, subject] = Silence(
        body, ClockState.RUNNING, recorded.act.decided_on, recorded.position
    )


def _stop(
    rows: Written,
    question: Question,
    subject: str,
    recorded: Recorded[Any],
    state: ClockState = ClockState.ANSWERED,
) -> None:
    clock = rows[CLOCKS].get((question.value, subject))
    if clock is not None and clock.state is ClockState.RUNNING:
        clock = rows[CLOCKS][question.value, subject]
        clock.state = state
        clock.until = recorded.act.decided_on
        clock.answered_at = recorded.position


@silences.on(RoadmapSubmitted)
def _(rows: Written, decision: RoadmapSubmitted, recorded: Recorded[Any]) -> None:
    asked = Question.ROADMAP_AT_STEERING_COMMITTEE
    _start(rows, asked, str(decision.version), Body.STEERING_COMMITTEE, recorded)


@silences.on(RoadmapReturned)
def _(rows: Written, decision: RoadmapReturned, recorded: Recorded[Any]) -> None:
    _stop(rows, Question.ROADMAP_AT_STEERING_COMMITTEE, str(decision.version), recorded)


@silences.on(RoadmapEndorsed)
def _(rows: Written, decision: RoadmapEndorsed, recorded: Recorded[Any]) -> None:
    version = str(decision.version)
    _stop(rows, Question.ROADMAP_AT_STEERING_COMMITTEE, version, recorded)
    _start(rows, Question.ROADMAP_AT_COUNCIL, version, Body.ADMINISTRATIVE_COUNCIL, recorded)


@silences.on(RoadmapApproved)
def _(rows: Written, decision: RoadmapApproved, recorded: Recorded[Any]) -> None:
    _stop(rows, Question.ROADMAP_AT_COUNCIL, str(decision.version), recorded)


@silences.on(CreditRequested)
def _(rows: Written, decision: CreditRequested, recorded: Recorded[Any]) -> None:
    asked = Question.CREDIT_AT_MUNICIPAL_COUNCIL
    _start(rows, asked, decision.action, Body.MUNICIPAL_COUNCIL, recorded)


@silences.on(CreditVoted, CreditRefused)
def _(rows: Written, decision: CreditVoted | CreditRefused, recorded: Recorded[Any]) -> None:
    _stop(rows, Question.CREDIT_AT_MUNICIPAL_COUNCIL, decision.action, recorded)


@silences.on(HandoverProposed)
def _(rows: Written, decision: HandoverProposed, recorded: Recorded[Any]) -> None:
    asked = Body.RELAY if decision.relay is not None else Body.SERVICE
    _start(rows, Question.HANDOVER_AT_RELAY, decision.action, asked, recorded)


@silences.on(HandoverAccepted, HandoverDeclined)
def _(
    rows: Written, decision: HandoverAccepted | HandoverDeclined, recorded: Recorded[Any]
) -> None:
    _stop(rows, Question.HANDOVER_AT_RELAY, decision.action, recorded)


@silences.on(ActionAbandoned, FundingRouteReplaced)
def _(
    rows: Written, decision: ActionAbandoned | FundingRouteReplaced, recorded: Recorded[Any]
) -> None:
    asked = Question.CREDIT_AT_MUNICIPAL_COUNCIL
    _stop(rows, asked, decision.action, recorded, ClockState.LAPSED)


@silences.on(ContractInterrupted, ContractClosed)
def _(
    rows: Written, decision: ContractInterrupted | ContractClosed, recorded: Recorded[Any]
) -> None:
    """Roadmaps fall with the contract; credits and handovers are answered after an interruption."""
    closed = isinstance(decision, ContractClosed)
    for question, subject in list(rows[CLOCKS]):
        if closed or question not in _ANSWERED_AFTERWARDS:
            _stop(rows, word(Question, question), subject, recorded, ClockState.LAPSED)


_ANSWERED_AFTERWARDS = {
    Question.CREDIT_AT_MUNICIPAL_COUNCIL.value,
    Question.HANDOVER_AT_RELAY.value,
}


# --- Queries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SilenceOf:
    """A clock of some contract. `subject`: a version or an action. `days`: up to its answer."""

    contract: ContractId
    question: Question
    subject: str
    silence: Silence
    days: int


def clocks(
    today: date,
    *,
    contract: ContractId | None = None,
    running: bool = True,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[SilenceOf]:
    """Clocks, the longest running first; the answered ones too unless `running`.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    place = place_of(cursor, str, str, str, str) or ("0001-01-01", "", "", "")
    conditions, parameters = "", list[Any]()
    if running:
        conditions += " AND state = 'running'"
    if contract is not None:
        conditions += " AND contract = %s"
        parameters.append(contract)
    found = select(
        "SELECT contract, question, subject, body, state, since, asked_at, until, answered_at"  # noqa: S608
        " FROM silence"
        f" WHERE (since, contract, question, subject) > (%s::date, %s, %s, %s){conditions}"
        " ORDER BY since, contract, question, subject LIMIT %s",
        [*place, *parameters, limit + 1],
    )
    rows = []
    for row in found:
        silence = CLOCKS.of(row[1:])[1]
        days = ((silence.until or today) - silence.since).days
        rows.append(SilenceOf(row[0], word(Question, row[1]), row[2], silence, days))
    return page(
        rows,
        limit,
        lambda row: (row.silence.since, row.contract, row.question.value, row.subject),
    )
