"""How far each read model has followed the events: one guarded row each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projections.engine.sql import cursor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from projections.engine.projection import Projection

POLL = 0.01
"""Seconds between two looks at whether a position has been reached."""

ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Position:
    """Where one read model is.

    `version` is that of the program which wrote it; `generation` that of the rows that count.
    `stopped_at` is the position of the event it cannot take in, if there is one.
    """

    name: str
    version: int
    generation: int
    position: int
    stopped_at: int | None
    error: str | None


_COLUMNS = "name, version, generation, position, stopped_at, error"


def ensure(projections: Iterable[Projection[Any]]) -> None:
    """Begin the rows of read models that have none, at position 0."""
    cursor().executemany(
        "INSERT INTO projection_position (name, version, position) VALUES (%s, %s, 0)"
        " ON CONFLICT DO NOTHING",
        [(projection.name, projection.version) for projection in projections],
    )


def positions() -> dict[str, Position]:
    """Every read model that was ever run, by name."""
    rows = cursor().execute(f"SELECT {_COLUMNS} FROM projection_position ORDER BY name")  # noqa: S608
    return {row[0]: Position(*row) for row in rows}


def take(names: Collection[str], *, wait: bool = False) -> dict[str, Position]:
    """Lock the rows of these read models for this transaction, by name.

    Those that somebody else is moving just now are left out, or waited for.
    """
    otherwise = "" if wait else " SKIP LOCKED"
    rows = cursor().execute(
        f"SELECT {_COLUMNS} FROM projection_position WHERE name = ANY(%s)"  # noqa: S608
        f" ORDER BY name FOR UPDATE{otherwise}",
        [list(names)],
    )
    return {row[0]: Position(*row) for row in rows}


class Overtaken(RuntimeError):
    """A position is not where it was when the events after it were read."""


def move(moves: Collection[tuple[Position, int]]) -> None:
    """Move positions on, each from where it was and from nowhere else.

    Raises:
        Overtaken: somebody else has moved one; the transaction must be given up.
    """
    moved = cursor().execute(
        "UPDATE projection_position AS p SET position = m.after, moved_at = now(),"
        " stopped_at = NULL, error = NULL"
        " FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[])"
        " AS m (name, generation, before, after)"
        " WHERE p.name = m.name AND p.generation = m.generation AND p.position = m.before",
        [
            [position.name for position, _ in moves],
            [position.generation for position, _ in moves],
            [position.position for position, _ in moves],
            [after for _, after in moves],
        ],
    )
    if moved.rowcount != len(moves):
        raise Overtaken(", ".join(sorted(position.name for position, _ in moves)))


def stop(name: str, at: int, error: BaseException) -> bool:
    """Note that a read model cannot take in the event there; whether that is news."""
    said = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    noted = cursor().execute(
        "UPDATE projection_position SET stopped_at = %s, error = %s"
        " WHERE name = %s AND (stopped_at IS DISTINCT FROM %s OR error IS DISTINCT FROM %s)",
        [at, said, name, at, said],
    )
    return noted.rowcount > 0


def wait_for(position: int, names: Collection[str], *, timeout: float) -> bool:
    """Wait until these read models have taken in the event at that position.

    Returns:
        Whether they have; False as well, and at once, if one of them is stopped before it.
    """
    deadline = time.monotonic() + timeout
    while True:
        known = positions()
        here = [known[name] for name in names if name in known]
        if len(here) == len(names) and all(each.position >= position for each in here):
            return True
        if any(each.stopped_at is not None and each.position < position for each in here):
            return False
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL)
