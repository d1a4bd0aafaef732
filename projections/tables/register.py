"""The register answers: which contracts are there, where, how far, and which one speaks of this?

`projections.tables.register_queries` reads what is written here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson
from shapely import from_geojson

from domain.chapters.actions import ActionProposed, ActionRevised
from domain.chapters.approval import RoadmapApproved, Verdict
from domain.chapters.diagnosis import NeedExpressed
from domain.chapters.initiation import ContractInitiated, Ground, PerimeterSet
from domain.chapters.plenaries import PlenaryHeld
from domain.chapters.working_groups import WorkingGroupFormed
from domain.kernel.contract import earliest
from domain.kernel.decision import Decision, Recorded
from domain.kernel.framework import CADRE_2014, FRAMEWORKS
from domain.kernel.life_cycle import Standing
from domain.kernel.values import Title
from projections.engine.table import ONE, Relation, Table, Written
from projections.facts.action_status import STATUSES, ActionStatus
from projections.facts.phase import ENDS, STAGES, STANDINGS, Phase
from projections.tables.words import folded


@dataclass(slots=True)
class Entry:
    """One contract. The bounding box is in WGS 84 degrees; counts are of things, not decisions."""

    title: Title = ""
    territory: Title = ""
    ground: Ground | None = None
    framework: str = ""
    standing: Standing = Standing.NEW
    phase: Phase = Phase.INITIATION
    initiated_on: date | None = None
    launched_on: date | None = None
    closure_due: date | None = None
    ended_on: date | None = None
    west: float | None = None
    south: float | None = None
    east: float | None = None
    north: float | None = None
    plenaries: int = 0
    needs: int = 0
    actions: int = 0
    actions_approved: int = 0
    actions_completed: int = 0
    decisions: int = 0
    last_decided_on: date | None = None
    position: int = 0


@dataclass(slots=True)
class Perimeter:
    """The perimeter as GeoJSON."""

    geometry: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Words:
    """What a search looks in, as `words.folded` gives it: `first` weighs more than `other`.

    Each wording is under what it belongs to, so that a revised title replaces the old one.
    """

    first: dict[str, str] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Approved:
    """Whether an action is approved, so that it is counted once."""

    approved: bool = False


REGISTER = Relation("register", Entry)
PERIMETERS = Relation("register_perimeter", Perimeter)
WORDS = Relation("register_words", Words)
ACTIONS = Relation("register_action", Approved, key=("action",))

register = Table("register", version=2, relations=(REGISTER, PERIMETERS, WORDS, ACTIONS))


@register.on_any
def _(rows: Written, decision: Decision, recorded: Recorded[Any]) -> None:
    entry = rows[REGISTER][ONE]
    entry.decisions += 1
    entry.position = recorded.position
    decided_on = recorded.act.decided_on
    entry.last_decided_on = max(entry.last_decided_on or decided_on, decided_on)


@register.on(*STAGES)
def _(rows: Written, decision: Decision, recorded: Recorded[Any]) -> None:
    entry = rows[REGISTER][ONE]
    entry.phase = entry.phase.then(type(decision))


@register.on(*STANDINGS)
def _(rows: Written, decision: Decision, recorded: Recorded[Any]) -> None:
    rows[REGISTER][ONE].standing = STANDINGS[type(decision)]


@register.on(*ENDS)
def _(rows: Written, decision: Decision, recorded: Recorded[Any]) -> None:
    rows[REGISTER][ONE].ended_on = recorded.act.decided_on


@register.on(ContractInitiated)
def _(rows: Written, decision: ContractInitiated, recorded: Recorded[Any]) -> None:
    entry = rows[REGISTER][ONE]
    entry.title = decision.title
    entry.territory = decision.territory
    entry.ground = decision.ground
    entry.framework = decision.framework
    entry.initiated_on = recorded.act.decided_on
    words = rows[WORDS][ONE]
    words.first = {"title": folded(decision.title), "territory": folded(decision.territory)}


@register.on(PerimeterSet)
def _(rows: Written, decision: PerimeterSet, recorded: Recorded[Any]) -> None:
    entry = rows[REGISTER][ONE]
    geometry = from_geojson(orjson.dumps(decision.perimeter))
    entry.west, entry.south, entry.east, entry.north = geometry.bounds
    rows[PERIMETERS][ONE].geometry = decision.perimeter
    rows[WORDS][ONE].other["streets"] = folded("\n".join(decision.streets))


@register.on(PlenaryHeld)
def _(rows: Written, decision: PlenaryHeld, recorded: Recorded[Any]) -> None:
    entry = rows[REGISTER][ONE]
    entry.plenaries += 1
    entry.launched_on = earliest(entry.launched_on, recorded.act.decided_on)
    lasts = FRAMEWORKS.get(entry.framework, CADRE_2014).lasts
    entry.closure_due = lasts.after(entry.launched_on) if lasts else None


@register.on(NeedExpressed)
def _(rows: Written, decision: NeedExpressed, recorded: Recorded[Any]) -> None:
    rows[REGISTER][ONE].needs += 1


@register.on(WorkingGroupFormed)
def _(rows: Written, decision: WorkingGroupFormed, recorded: Recorded[Any]) -> None:
    said = folded(f"{decision.title}\n{decision.theme}")
    rows[WORDS][ONE].other[f"group:{decision.group}"] = said


@register.on(ActionProposed, ActionRevised)
def _(rows: Written, decision: ActionProposed | ActionRevised, recorded: Recorded[Any]) -> None:
    if isinstance(decision, ActionProposed):
        rows[REGISTER][ONE].actions += 1
    other = rows[WORDS][ONE].other
    for what, word in (("title", decision.title), ("theme", decision.theme)):
        if word is not None:
            other[f"{what}:{decision.action}"] = folded(word)


@register.on(RoadmapApproved)
def _(rows: Written, decision: RoadmapApproved, recorded: Recorded[Any]) -> None:
    entry = rows[REGISTER][ONE]
    for answer in decision.answers:
        action = rows[ACTIONS][answer.action]
        approved = answer.verdict is not Verdict.REFUSED
        entry.actions_approved += approved - action.approved
        action.approved = approved


@register.on(*[kind for kind, status in STATUSES.items() if status is ActionStatus.COMPLETED])
def _(rows: Written, decision: Decision, recorded: Recorded[Any]) -> None:
    rows[REGISTER][ONE].actions_completed += 1
