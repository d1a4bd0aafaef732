"""Days of funding events as they are asked for: a finished one is worked out once, and kept.

A day is finished when nothing can be added to it any more. Until then what it holds depends on
the last event about money in it, which is looked up before any work is done.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from infra.database.connection import cursor
from infra.eventstore.store import last_of_types
from infra.finance.digest import Day, bounds, positions, recorded_day
from infra.relay.accounts import READ
from projections.tables.ledger import ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSION: Final = f"1/{ledger.version}"
"""Of the form of the lines, and of the ledger whose sums are in them."""

LATEST: Final = dt.timedelta(hours=1)
"""How long an append that took its instant may still be under way, with a wide margin."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A day, before it is worked out.

    tag: another one whenever the day holds something else.
    day: the work; `lines` are left out where they are not asked for and need not be read.
    kept: whether it is known, and there is no work in it.
    """

    tag: str
    day: Callable[[], Day]
    kept: bool


def asked(date: dt.date, *, lines: bool = False) -> Asked:
    """The day in question."""
    row = (
        cursor()
        .execute(
            "SELECT events, digest FROM funding_day WHERE date = %s AND version = %s",
            (date, VERSION),
        )
        .fetchone()
    )
    if row is not None:
        events, digest = row
        return Asked(
            digest, lambda: Day(date, events, digest, _lines(date) if lines else ()), kept=True
        )
    first, end = positions(date)
    if not (last := last_of_types(READ, first - 1, end)):
        nothing = Day.of(date, 0, ())
        return Asked(nothing.digest, lambda: nothing, kept=True)
    if _is_finished(date):
        return Asked(f"{last}", lambda: _keep(recorded_day(date)), kept=False)
    return Asked(f"{last}", lambda: _so_far(date, last), kept=False)


def _lines(date: dt.date) -> tuple[str, ...]:
    row = cursor().execute("SELECT lines FROM funding_day WHERE date = %s", (date,)).fetchone()
    return tuple(row[0].split("\n")[:-1]) if row else ()


def _keep(day: Day) -> Day:
    cursor().execute(
        "INSERT INTO funding_day (date, version, events, digest, lines)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (date) DO UPDATE SET"
        " version = excluded.version, events = excluded.events, digest = excluded.digest,"
        " lines = excluded.lines",
        (day.date, VERSION, day.events, day.digest, "".join(f"{line}\n" for line in day.lines)),
    )
    return day


def altered() -> Iterator[dt.date]:
    """The kept days that are not what the log says. Each is folded again, so it takes its time."""
    rows = cursor().execute(
        "SELECT date, events, digest FROM funding_day WHERE version = %s ORDER BY date", (VERSION,)
    )
    for date, events, digest in rows.fetchall():
        if Day(date, events, digest, _lines(date)) != recorded_day(date):
            yield date


@lru_cache(maxsize=1)
def _so_far(date: dt.date, last: int) -> Day:  # noqa: ARG001 - another day with every event
    """A day that is not over, for as long as nothing is added to it."""
    return recorded_day(date)


def _is_finished(date: dt.date) -> bool:
    """Whether the log has passed the end of that day, or surely will not come back to it."""
    _, end = bounds(date)
    row = (
        cursor()
        .execute("SELECT recorded_at >= %s OR now() >= %s FROM event_log", (end, end + LATEST))
        .fetchone()
    )
    return bool(row and row[0])
