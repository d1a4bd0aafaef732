"""Facts, assessed: how each requirement of a framework is answered on a given day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from domain.kernel.framework import CADRE_2014, FRAMEWORKS, Framework
from domain.kernel.rule import Rule
from projections.conformity import requirements_of_bodies as _of_bodies  # noqa: F401 - fill REQUIREMENTS
from projections.conformity import requirements_of_stages as _of_stages  # noqa: F401
from projections.conformity.requirement import REQUIREMENTS, Departure, Facts, Requirement, State
from projections.facts.facts import Fact, Text


@dataclass(slots=True)
class DepartureFrom(Fact):
    """A departable rule that was set aside: which, on which paragraph it rests, and why."""

    rule: str
    basis: str
    type: str
    justification: Text


@dataclass(slots=True)
class Sentence:
    """What a person reads, in both languages."""

    fr: str
    en: str


@dataclass(slots=True)
class Assessed:
    """How one requirement is answered.

    `because`: the facts it turns on, in sentences. `positions`: the decisions that show it.
    """

    id: str
    basis: str
    fr: str
    en: str
    state: State
    due: date | None
    decided_on: date | None
    because: list[Sentence]
    positions: list[int]
    missing: list[str]
    departures: list[DepartureFrom]


@dataclass(slots=True)
class Conformity:
    """Every requirement of the framework, as it stood on the day `on`."""

    framework: str
    on: date
    counts: dict[State, int] = field(default_factory=dict)
    requirements: list[Assessed] = field(default_factory=list)
    departures: list[DepartureFrom] = field(default_factory=list)


def assess(facts: Facts, today: date, framework: Framework | None = None) -> Conformity:
    """The requirements as they stand on that day, under that framework or the contract's own."""
    framework = framework or _framework(facts)
    requirements = [_assessed(each, facts, framework, today) for each in required(framework)]
    return Conformity(
        framework.version,
        today,
        dict(Counter(each.state for each in requirements)),
        requirements,
        _named(facts.departures),
    )


def _framework(facts: Facts) -> Framework:
    return FRAMEWORKS.get(facts.framework, CADRE_2014)


@cache
def required(framework: Framework) -> list[Requirement]:
    """What that version asks for."""
    return [each for each in REQUIREMENTS if each.ask(Facts(), framework, date.max) is not None]


def _assessed(
    requirement: Requirement, facts: Facts, framework: Framework, today: date
) -> Assessed:
    answer = requirement.ask(facts, framework, today)
    if answer is None:
        raise LookupError(f"{framework.version} does not ask for {requirement.id}")
    shown = {each.position: each for each in answer.by if each is not None}
    return Assessed(
        requirement.id,
        requirement.basis,
        requirement.fr,
        requirement.en,
        answer.state,
        answer.due,
        max((each.decided_on for each in shown.values()), default=None),
        [Sentence(*said) for said in answer.because],
        sorted(shown),
        answer.missing,
        _named(answer.departures),
    )


def _named(departures: list[Departure]) -> list[DepartureFrom]:
    return [
        DepartureFrom(
            each.decided_on,
            each.position,
            each.rule,
            Rule.registry[each.rule].basis if each.rule in Rule.registry else "",
            each.type,
            each.justification,
        )
        for each in departures
    ]
