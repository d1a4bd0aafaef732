"""The register answers: which contracts are there, where, how far, and which one speaks of this?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
from shapely import from_geojson, intersects_xy

from domain.actions import ActionProposed, ActionRevised
from domain.approval import RoadmapApproved, Verdict
from domain.contract import earliest
from domain.decision import Decision, Recorded
from domain.diagnosis import NeedExpressed
from domain.framework import CADRE_2014, FRAMEWORKS
from domain.initiation import ContractInitiated, Ground, PerimeterSet
from domain.plenaries import PlenaryHeld
from domain.standing import Standing
from domain.values import Title
from domain.working_groups import WorkingGroupFormed
from projections.action_status import STATUSES, ActionStatus
from projections.keyset import Page, page, place_of
from projections.phase import ENDS, STAGES, STANDINGS, Phase
from projections.sql import select
from projections.table import ONE, Relation, Table, Written
from projections.words import folded

if TYPE_CHECKING:
    from domain.values import ContractId


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
    """What a search looks in, without accents: `first` weighs more than `other`.

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


# --- Queries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EntryOf:
    """A contract in the register."""

    contract: ContractId
    entry: Entry


_COLUMNS = ", ".join(f"r.{name}" for name in REGISTER.fields)


def contracts(
    *,
    standing: Standing | None = None,
    phase: Phase | None = None,
    box: tuple[float, float, float, float] | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[EntryOf]:
    """Contracts by their identifier.

    Args:
        standing: only those that stand so.
        phase: only those that have come that far.
        box: west, south, east, north; only those whose bounding box it meets.
        cursor: of the page before.
        limit: on a page.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    (after,) = place_of(cursor, str) or ("",)
    conditions, parameters = _conditions(standing, phase, box)
    found = select(
        f"SELECT r.contract, {_COLUMNS} FROM register AS r"  # noqa: S608 - constants only
        f" WHERE r.contract > %s{conditions} ORDER BY r.contract LIMIT %s",
        [after, *parameters, limit + 1],
    )
    rows = [EntryOf(row[0], REGISTER.of(row[1:])[1]) for row in found]
    return page(rows, limit, lambda row: (row.contract,))


def search(
    words: str,
    *,
    standing: Standing | None = None,
    phase: Phase | None = None,
    box: tuple[float, float, float, float] | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[EntryOf]:
    """Contracts that speak of these words, in French and with or without accents, best first.

    Looks in titles, territories, streets, themes, groups and actions. Takes quotes, `or` and a
    leading minus as web searches do; the last word may be incomplete.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    score, after = place_of(cursor, int, str) or (2**31 - 1, "")
    conditions, parameters = _conditions(standing, phase, box)
    found = select(
        "WITH asked AS (SELECT websearch_to_tsquery('french', %s)"  # noqa: S608 - constants only
        " || (websearch_to_tsquery('french', %s) && to_tsquery('simple', %s)) AS query),"
        " scored AS (SELECT r.*, (ts_rank(w.search, asked.query) * 1e6)::int AS score"
        " FROM asked, register AS r JOIN register_words AS w USING (contract)"
        f" WHERE w.search @@ asked.query{conditions})"
        f" SELECT score, r.contract, {_COLUMNS} FROM scored AS r"
        " WHERE (-score, r.contract) > (-%s, %s) ORDER BY -score, r.contract LIMIT %s",
        [folded(words), *_unfinished(words), *parameters, score, after, limit + 1],
    )
    rows = [(row[0], EntryOf(row[1], REGISTER.of(row[2:])[1])) for row in found]
    scored = page(rows, limit, lambda row: (row[0], row[1].contract))
    return Page([entry for _, entry in scored.results], scored.next)


def at(longitude: float, latitude: float) -> list[EntryOf]:
    """The contracts whose perimeter holds that point, in WGS 84 degrees; its edge belongs to it."""
    found = select(
        f"SELECT r.contract, {_COLUMNS}, p.geometry::text FROM register AS r"  # noqa: S608
        " JOIN register_perimeter AS p USING (contract)"
        " WHERE %s BETWEEN r.west AND r.east AND %s BETWEEN r.south AND r.north"
        " ORDER BY r.contract",
        [longitude, latitude],
    )
    return [
        EntryOf(row[0], REGISTER.of(row[1:-1])[1])
        for row in found
        if intersects_xy(from_geojson(row[-1]), longitude, latitude)
    ]


def _conditions(
    standing: Standing | None,
    phase: Phase | None,
    box: tuple[float, float, float, float] | None,
) -> tuple[str, list[Any]]:
    conditions, parameters = "", list[Any]()
    if standing is not None:
        conditions += " AND r.standing = %s"
        parameters.append(standing.value)
    if phase is not None:
        conditions += " AND r.phase = %s"
        parameters.append(phase.value)
    if box is not None:
        west, south, east, north = box
        conditions += " AND r.west <= %s AND r.east >= %s AND r.south <= %s AND r.north >= %s"
        parameters += [east, west, north, south]
    return conditions, parameters


def _unfinished(words: str) -> tuple[str, str]:
    """The words but the last, and the last as a query for words that begin with it."""
    *complete, last = folded(words).split() or [""]
    if not last.isalnum() or '"' in words:
        return "", ""
    return " ".join(complete), f"{last}:*"
