"""What a requirement of the Cadre is: a question to the facts, with an answer on a given day.

Whether something is still awaited or already missed depends on the day, so it is worked out when
it is read. The requirements themselves are in `requirements.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from domain.chapters.initiation import Ground
from domain.kernel.framework import Framework, Months
from domain.kernel.rule import Fact as Said
from domain.kernel.rule import Rule, say
from domain.kernel.values import ActionId, Bilingual, DepartmentId, Term, Title
from domain.rules.gathering import Purpose
from projections.facts.commission import Commission
from projections.facts.facts import Book, Fact, Text, book


class State(Term):
    """How a requirement is answered."""

    MET = "met", "respectée", "met"
    MET_LATE = "met_late", "respectée en retard", "met late"
    DEPARTED = "departed", "dérogation motivée", "departed from, with a justification"
    PENDING = "pending", "à venir", "pending"
    BROKEN = "broken", "non respectée", "broken"


# --- Facts --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Departure(Fact):
    """A departable rule was set aside, in a decision of that type, for a written reason."""

    type: str
    rule: str
    justification: Text


@dataclass(slots=True)
class ActionFacts:
    """What has happened to an approved action that some paragraph asks for."""

    approved: Fact | None = None
    routed: Fact | None = None
    requested: Fact | None = None
    answered: Fact | None = None
    assigned: Fact | None = None
    settled: Fact | None = None


@dataclass(slots=True)
class Facts:
    """What was decided that some requirement looks at: of each kind the first by its day.

    Of the activities of promotion, and of what followed actions up, it is the last. `audiences`:
    those that the promotion set out to reach; `reached`: the first activity for each. `launched`:
    the first plenary, whenever it was recorded; `purposes`: the first that served each of them.
    """

    framework: str = "cadre-2014"
    initiated: Fact | None = None
    ground: Ground | None = None
    option: Fact | None = None
    perimeter: Fact | None = None
    coordinator: Fact | None = None
    service_delegate: Fact | None = None
    council_informed: Fact | None = None
    departments: dict[DepartmentId, Fact] = field(default_factory=dict)
    promotion: Fact | None = None
    audiences: tuple[Title, ...] = ()
    reached: dict[Title, Fact] = field(default_factory=dict)
    last_activity: Fact | None = None
    launched: Fact | None = None
    purposes: dict[Purpose, Fact] = field(default_factory=dict)
    plenaries: list[Fact] = field(default_factory=list)
    delegate: Fact | None = None
    commission: Commission = field(default_factory=Commission)
    meeting: Fact | None = None
    openness: Fact | None = None
    group: Fact | None = None
    diagnosis: Fact | None = None
    prioritised: Fact | None = None
    retained: Fact | None = None
    drafted: Fact | None = None
    presented: Fact | None = None
    endorsed: Fact | None = None
    approved: Fact | None = None
    followed: Fact | None = None
    actions: Book[ActionId, ActionFacts] = book(ActionFacts)
    closing: Fact | None = None
    closed: Fact | None = None
    interrupted: Fact | None = None
    departures: list[Departure] = field(default_factory=list)

    @property
    def ended(self) -> Fact | None:
        """The end of the contract, regular or not."""
        return self.closed or self.interrupted

    def departed(self, *rules: type[Rule], type_: str | None = None) -> list[Departure]:
        """Departures from any of these rules, in decisions of that type if it is given."""
        ids = {rule.id for rule in rules}
        return [d for d in self.departures if d.rule in ids and type_ in {None, d.type}]

    def approved_actions(self) -> dict[ActionId, ActionFacts]:
        """What the council has approved and not refused since."""
        return {key: action for key, action in self.actions.items() if action.approved}


# --- Answers ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Answer:
    """How the facts answer one requirement on one day.

    `due`: the day it is awaited for, where there is one. `by`: the decisions that show it.
    `missing`: what is still wanting, by identifier. `because`: the facts, in sentences.
    """

    state: State
    due: date | None = None
    by: list[Fact | None] = field(default_factory=list)
    departures: list[Departure] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    because: list[Bilingual] = field(default_factory=list)

    def say(self, fr: str, en: str, **facts: Said) -> None:
        """Add a sentence; in braces stand the names of its facts."""
        self.because.append(sentence(fr, en, **facts))


def sentence(fr: str, en: str, **facts: Said) -> Bilingual:
    """A sentence with its facts, as each language says them."""
    return Bilingual(
        fr.format(**{name: say(fact, "fr") for name, fact in facts.items()}),
        en.format(**{name: say(fact, "en") for name, fact in facts.items()}),
    )


Asked = Callable[[Facts, Framework, date], Answer | None]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing the Cadre asks for. `ask` yields None where that version does not ask for it."""

    id: str
    basis: str
    fr: str
    en: str
    ask: Asked


REQUIREMENTS: list[Requirement] = []


def asks(id_: str, basis: str, fr: str, en: str) -> Callable[[Asked], Asked]:
    """Make a requirement of a function: its id, its paragraph, what is asked in both languages."""

    def register(ask: Asked) -> Asked:
        REQUIREMENTS.append(Requirement(id_, basis, fr, en, ask))
        return ask

    return register


def once(done: Fact | None, facts: Facts, *, due: date | None = None, today: date) -> Answer:
    """Met by one decision, by a day if there is one; broken if that day or the end passes first."""
    if done is not None:
        late = due is not None and done.decided_on > due
        answer = Answer(State.MET_LATE if late else State.MET, due, [done])
        if due is not None and late:
            answer.say(
                "{days} jours après l'échéance.",
                "{days} days after it was due.",
                days=(done.decided_on - due).days,
            )
        return answer
    missed = facts.ended is not None or (due is not None and today > due)
    answer = Answer(State.BROKEN if missed else State.PENDING, due, [facts.ended])
    if missed:
        _say_nothing_shows_it(answer, facts)
    return answer


def _say_nothing_shows_it(answer: Answer, facts: Facts) -> None:
    if facts.ended is None:
        answer.say("Aucune décision ne le montre.", "No decision shows it.")
    else:
        answer.say(
            "Aucune décision ne le montre avant la fin du contrat, le {ended}.",
            "No decision shows it before the contract ended, on {ended}.",
            ended=facts.ended.decided_on,
        )


def unless(answer: Answer, departures: list[Departure]) -> Answer:
    """Departed from, if it was set aside with a reason; a decision taken shows it too."""
    if departures:
        answer.state = State.DEPARTED
        answer.departures = departures
        answer.by += departures
    return answer


def launch_day(facts: Facts) -> date | None:
    """The day of the first plenary."""
    return facts.launched.decided_on if facts.launched else None


def months_between(start: date, end: date) -> int:
    """Whole calendar months from a day to a later one."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months - (Months(months, "").after(start) > end)
