"""The diagnosis answers: what was voiced, what became of it and why, and how long did it take?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.chapters.actions import ActionProposed, ActionRevised
from domain.chapters.diagnosis import (
    DiagnosisShared,
    DiagnosisTooLong,
    DiagnosisTooShort,
    NeedExpressed,
    NeedSetAside,
    NeedsMerged,
    Origin,
    Point,
)
from domain.chapters.initiation import ContractInitiated
from domain.chapters.plenaries import PlenaryHeld
from domain.kernel.act import Body
from domain.kernel.decision import Recorded
from domain.kernel.framework import FRAMEWORKS
from domain.kernel.values import ActionId, NeedId, PlenaryId, Term, ThemeId, Title
from projections.engine.view import View
from projections.facts.facts import Because, Book, Fact, Tally, Text, because, book, fact, first


class NeedOutcome(Term):
    """What became of a need."""

    OPEN = "open", "à l'examen", "under examination"
    RETAINED = "retained", "retenu", "retained"
    MERGED = "merged", "réuni à un autre", "merged into another"
    SET_ASIDE = "set_aside", "écarté", "set aside"


@dataclass(slots=True)
class Need:
    """One need as it was voiced. `settled` says when, by what and why its outcome was decided."""

    outcome: NeedOutcome = NeedOutcome.OPEN
    title: Title | None = None
    text: Text | None = None
    origin: Origin | None = None
    theme: ThemeId | None = None
    point: Point | None = None
    plenary: PlenaryId | None = None
    expressed: Fact | None = None
    expressed_to: Body | None = None
    settled: Because | None = None
    merged_into: NeedId | None = None
    merged_from: list[NeedId] = field(default_factory=list)
    answered_by: list[ActionId] = field(default_factory=list)


@dataclass(slots=True)
class Sharing(Fact):
    """The diagnosis was shared. `lasted_days` counts from the launch."""

    text: Text
    lasted_days: int | None
    justification: Text | None


@dataclass(slots=True)
class Diagnosis:
    """Every need, and the diagnosis as a whole; `expected_*` is when the Cadre awaits it.

    It is shared once, and again for each lot of needs voiced since.
    """

    framework: str = "cadre-2014"
    launched: Fact | None = None
    expected_from: date | None = None
    expected_until: date | None = None
    shared: list[Sharing] = field(default_factory=list)
    outcomes: Tally[NeedOutcome] = field(default_factory=Tally)
    themes: Tally[ThemeId] = field(default_factory=Tally)
    needs: Book[NeedId, Need] = book(Need)


diagnosis = View("diagnosis", version=1, empty=Diagnosis)


@diagnosis.on(ContractInitiated)
def _(view: Diagnosis, decision: ContractInitiated, recorded: Recorded[Any]) -> None:
    view.framework = decision.framework
    _expect(view)


@diagnosis.on(PlenaryHeld)
def _(view: Diagnosis, decision: PlenaryHeld, recorded: Recorded[Any]) -> None:
    view.launched = first(view.launched, recorded)
    _expect(view)


def _expect(view: Diagnosis) -> None:
    framework = FRAMEWORKS.get(view.framework)
    if view.launched is None or framework is None:
        return
    least, most = framework.diagnosis_at_least, framework.diagnosis_at_most
    view.expected_from = least.after(view.launched.decided_on) if least else None
    view.expected_until = most.after(view.launched.decided_on) if most else None


@diagnosis.on(NeedExpressed)
def _(view: Diagnosis, decision: NeedExpressed, recorded: Recorded[Any]) -> None:
    need = view.needs[decision.need]
    need.title = decision.title
    need.text = decision.text
    need.origin = decision.origin
    need.theme = decision.theme
    need.point = decision.point
    need.plenary = decision.plenary
    need.expressed = fact(recorded)
    need.expressed_to = recorded.act.body
    view.outcomes.add(need.outcome)
    view.themes.add(decision.theme)


def _settle(view: Diagnosis, id_: NeedId, outcome: NeedOutcome, why: Because) -> None:
    need = view.needs[id_]
    if need.expressed is not None:
        view.outcomes.add(need.outcome, -1)
        view.outcomes.add(outcome)
    need.outcome = outcome
    need.settled = why


@diagnosis.on(NeedsMerged)
def _(view: Diagnosis, decision: NeedsMerged, recorded: Recorded[Any]) -> None:
    for merged in decision.needs:
        _settle(view, merged, NeedOutcome.MERGED, because(recorded, None))
        view.needs[merged].merged_into = decision.into
        view.needs[decision.into].merged_from.append(merged)


@diagnosis.on(NeedSetAside)
def _(view: Diagnosis, decision: NeedSetAside, recorded: Recorded[Any]) -> None:
    _settle(view, decision.need, NeedOutcome.SET_ASIDE, because(recorded, decision.reason))


@diagnosis.on(DiagnosisShared)
def _(view: Diagnosis, decision: DiagnosisShared, recorded: Recorded[Any]) -> None:
    act, launched = recorded.act, view.launched
    view.shared.append(
        Sharing(
            act.decided_on,
            recorded.position,
            decision.text,
            (act.decided_on - launched.decided_on).days if launched else None,
            act.departures.get(DiagnosisTooLong.id) or act.departures.get(DiagnosisTooShort.id),
        )
    )
    for need in decision.needs:
        _settle(view, need, NeedOutcome.RETAINED, because(recorded, None))


@diagnosis.on(ActionProposed, ActionRevised)
def _(view: Diagnosis, decision: ActionProposed | ActionRevised, recorded: Recorded[Any]) -> None:
    if decision.needs is None:
        return
    if isinstance(decision, ActionRevised):
        for need in view.needs.values():
            if decision.action in need.answered_by and decision.needs:
                need.answered_by.remove(decision.action)
    for id_ in decision.needs:
        answered_by = view.needs[id_].answered_by
        if decision.action not in answered_by:
            answered_by.append(decision.action)
