"""What the register is asked: contracts by where they are and how far, and by their words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from shapely import from_geojson, intersects_xy

from projections.engine.keyset import Page, page, place_of
from projections.engine.sql import select
from projections.tables.register import REGISTER, Entry
from projections.tables.words import Sought, sought

if TYPE_CHECKING:
    from domain.kernel.life_cycle import Standing
    from domain.kernel.values import ContractId
    from projections.facts.phase import Phase

Box = tuple[float, float, float, float]
"""West, south, east, north, in WGS 84 degrees."""


@dataclass(frozen=True, slots=True)
class EntryOf:
    """A contract in the register."""

    contract: ContractId
    entry: Entry


_COLUMNS: Final = ", ".join(f"r.{name}" for name in REGISTER.fields)
_FOUND: Final = f"SELECT r.contract, {_COLUMNS}"
_BOX: Final = "box(point(r.west, r.south), point(r.east, r.north))"
"""As it is indexed. PostgreSQL compares boxes with a tolerance: it may find more, never less."""

FEW: Final = 1000
"""Up to so many contracts in a box are looked up; more than that are met soon enough by id."""

RANKED: Final = 1000
"""Up to so many contracts that speak of something are put in order of how much they do."""

Conditions = tuple[str, list[Any]]
"""SQL to go on with after a condition, and its parameters."""


def contracts(
    *,
    standing: Standing | None = None,
    phase: Phase | None = None,
    box: Box | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[EntryOf]:
    """Contracts by their identifier.

    Args:
        standing: only those that stand so.
        phase: only those that have come that far.
        box: only those whose bounding box meets it.
        cursor: of the page before.
        limit: on a page.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    (after,) = place_of(cursor, str) or ("",)
    conditions, parameters = _conditions(standing, phase, box)
    found = select(
        f"{_FOUND} FROM register AS r"
        f" WHERE r.contract > %s{conditions} ORDER BY r.contract LIMIT %s",
        [after, *parameters, limit + 1],
    )
    return page([_entry_of(row) for row in found], limit, lambda row: (row.contract,))


def search(
    words: str,
    *,
    standing: Standing | None = None,
    phase: Phase | None = None,
    box: Box | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[EntryOf]:
    """Contracts that speak of these words, best first; by identifier if very many do.

    Looks in titles, territories, streets, themes, groups and actions, in French and with or
    without accents. Takes quotes, `or` and a leading minus as web searches do; the last word may
    be incomplete.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    place = place_of(cursor, int, str)
    asked, conditions = sought(words), _conditions(standing, phase, box)
    with transaction.atomic():
        # To compare word lists is worth an index more than PostgreSQL reckons.
        select(
            "SELECT set_config('random_page_cost', '1.1', true),"
            " set_config('enable_seqscan', 'off', true)"
        )
        found = None
        if place is None or place[0] > 0:
            found = _best(asked, place, conditions, limit)
        if found is None:
            found = _by_id(asked, place[1] if place else "", conditions, limit)
    rows = [(row[0], _entry_of(row[1:])) for row in found]
    scored = page(rows, limit, lambda row: (row[0], row[1].contract))
    return Page([entry for _, entry in scored.results], scored.next)


_QUERY: Final = (
    "(websearch_to_tsquery('french', %s) ||"
    " (websearch_to_tsquery('french', %s) && to_tsquery('simple', %s)) ||"
    " to_tsquery('simple', %s))"
)
"""The parts of a `Sought`."""


def _best(
    asked: Sought, place: tuple[int, str] | None, conditions: Conditions, limit: int
) -> list[tuple[Any, ...]] | None:
    """The first ones after that place by what they score; None if too many are to be ranked."""
    where, parameters = conditions
    found = select(
        f"WITH asked AS (SELECT {_QUERY} AS query), scored AS MATERIALIZED ("  # noqa: S608
        " SELECT w.contract, (ts_rank(w.search, asked.query) * 1e6)::int AS score"
        " FROM asked, register_words AS w WHERE w.search @@ asked.query LIMIT %s),"
        " best AS (SELECT score, scored.contract FROM scored"
        f"{' JOIN register AS r USING (contract)' if where else ''}"
        f" WHERE (-score, scored.contract) > (-%s, %s){where}"
        " ORDER BY -score, scored.contract LIMIT %s)"
        f" SELECT (SELECT count(*) FROM scored), score, r.contract, {_COLUMNS}"
        " FROM (SELECT) AS always LEFT JOIN (best JOIN register AS r USING (contract)) ON true"
        " ORDER BY -score, r.contract",
        [
            *asked,
            RANKED + 1 if place is None else None,
            *(place or (2**31 - 1, "")),
            *parameters,
            limit + 1,
        ],
    )
    if place is None and found[0][0] > RANKED:
        return None
    return [row[1:] for row in found if row[1] is not None]


def _by_id(
    asked: Sought, after: ContractId, conditions: Conditions, limit: int
) -> list[tuple[Any, ...]]:
    """The first ones after that contract. Their score is 0, which no contract that is ranked has.

    So many speak of it that they are soon met by id: the index on words is left out (`IS TRUE`).
    """
    where, parameters = conditions
    return select(
        f"SELECT 0, r.contract, {_COLUMNS} FROM register AS r"  # noqa: S608 - constants only
        " JOIN register_words AS w USING (contract)"
        f" WHERE (w.search @@ {_QUERY}) IS TRUE AND r.contract > %s{where}"
        " ORDER BY r.contract LIMIT %s",
        [*asked, after, *parameters, limit + 1],
    )


def at(longitude: float, latitude: float) -> list[EntryOf]:
    """The contracts whose perimeter holds that point, in WGS 84 degrees; its edge belongs to it."""
    point = (longitude, latitude)
    found = select(
        f"{_FOUND}, p.geometry::text FROM register AS r"
        f" JOIN register_perimeter AS p USING (contract) WHERE {_BOX} && box(point(%s, %s))"
        " ORDER BY r.contract",
        point,
    )
    held = intersects_xy(from_geojson([row[-1] for row in found]), *point)
    return [_entry_of(row[:-1]) for row, holds in zip(found, held, strict=True) if holds]


def _entry_of(row: tuple[Any, ...]) -> EntryOf:
    return EntryOf(row[0], REGISTER.of(row[1:])[1])


def _conditions(standing: Standing | None, phase: Phase | None, box: Box | None) -> Conditions:
    conditions, parameters = "", list[Any]()
    if standing is not None:
        conditions += " AND r.standing = %s"
        parameters.append(standing.value)
    if phase is not None:
        conditions += " AND r.phase = %s"
        parameters.append(phase.value)
    if box is not None:
        west, south, east, north = box
        if (near := _few_near(box)) is not None:
            conditions += " AND r.contract = ANY(%s)"
            parameters.append(near)
        conditions += " AND r.west <= %s AND r.east >= %s AND r.south <= %s AND r.north >= %s"
        parameters += [east, west, north, south]
    return conditions, parameters


def _few_near(box: Box) -> list[ContractId] | None:
    """The contracts that a box may meet, if they are few."""
    found = select(
        f"SELECT r.contract FROM register AS r WHERE {_BOX} &&"  # noqa: S608 - constants only
        " box(point(%s, %s), point(%s, %s)) LIMIT %s",
        [*box, FEW + 1],
    )
    return None if len(found) > FEW else [contract for (contract,) in found]
