"""The history index answers: which decisions touched this, and what was corrected since?

It holds every decision as it was recorded, corrected or not, with the identifiers of what it is
about. The decision itself is in the event; this only finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from domain.decision import Decision, Recorded
from domain.history import Correction
from projections.keyset import Page, page, place_of
from projections.sql import select
from projections.subjects import subjects_of
from projections.table import Relation, Table, Written

if TYPE_CHECKING:
    from domain.values import ContractId


@dataclass(slots=True)
class Indexed:
    """One decision. `subjects`: what it names, such as `action:a1` or `need:n4`."""

    version: int = 0
    type: str = ""
    chapter: str = ""
    body: str = ""
    decided_on: date = date.min
    recorded_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    recorded_by: str = ""
    subjects: tuple[str, ...] = ()


@dataclass(slots=True)
class Corrected:
    """A decision is corrected by a later one; the last correction counts."""

    corrected_by: int = 0


INDEX = Relation("history_index", Indexed, key=("position",), appends=True)
CORRECTIONS = Relation("history_correction", Corrected, key=("position",), appends=True)

history = Table("history", version=1, relations=(INDEX, CORRECTIONS), raw=True)


@history.on_any
def _(rows: Written, decision: Decision, recorded: Recorded[Any]) -> None:
    act = recorded.act
    kind = type(decision)
    rows[INDEX][recorded.position] = Indexed(
        recorded.version,
        kind.slug,
        _chapter(kind),
        act.body.value,
        act.decided_on,
        recorded.recorded_at,
        act.recorded_by,
        subjects_of(decision),
    )
    if isinstance(decision, Correction):
        rows[CORRECTIONS][decision.position] = Corrected(recorded.position)


@cache
def _chapter(kind: type[Decision]) -> str:
    return kind.__module__.rpartition(".")[2]


# --- Queries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IndexedOf:
    """A decision of some contract, found."""

    contract: ContractId
    position: int
    indexed: Indexed
    corrected_by: int | None


def decisions(
    *,
    contract: ContractId | None = None,
    subject: str | None = None,
    type_: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[IndexedOf]:
    """Decisions in the order they were recorded: of a contract, about a subject, of a type.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    (position,) = place_of(cursor, int) or (0,)
    conditions, parameters = ["position > %s"], [position]
    for condition, value in (
        ("contract = %s", contract),
        ("subjects @> ARRAY[%s]", subject),
        ("type = %s", type_),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    found = select(
        "SELECT contract, position, version, type, chapter, body, decided_on, recorded_at,"  # noqa: S608
        " recorded_by, subjects, (SELECT corrected_by FROM history_correction AS c"
        " WHERE c.contract = i.contract AND c.position = i.position)"
        f" FROM history_index AS i WHERE {' AND '.join(conditions)} ORDER BY position LIMIT %s",
        [*parameters, limit + 1],
    )
    rows = [IndexedOf(row[0], row[1], INDEX.of(row[1:-1])[1], row[-1]) for row in found]
    return page(rows, limit, lambda row: (row.position,))
