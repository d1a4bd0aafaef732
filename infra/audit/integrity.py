"""Whether the store is whole: the order of the events, their instants, the keys of requests.

Read in ranges, each by a statement of its own: a snapshot that lasted as long as the check would
make every append slower meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final

from infra.database.connection import cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

RANGE: Final = 20_000
"""Positions, or keys, that one statement looks at."""

AHEAD: Final = timedelta(seconds=1)
"""How far ahead of the database's clock an instant may be: clocks are set back a little."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: which check found it, and a sentence with the facts.

    `warning`: it is to be known, and nothing is wrong with what is stored.
    """

    check: str
    message: str
    warning: bool = False


def ahead_of_the_clock() -> datetime | None:
    """The instant of the last event, if that is in the future; None as it should be."""
    ((instant,),) = _query(
        "SELECT (SELECT recorded_at FROM event_log WHERE recorded_at > clock_timestamp() + %s)",
        AHEAD,
    )
    return instant  # type: ignore[no-any-return]


def _query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return cursor().execute(statement, parameters).fetchall()


def _end() -> Iterator[Finding]:
    """The counter row is where the last event is. One statement: both as of one instant."""
    ((size, clock, last, instant),) = _query(
        "SELECT size, l.recorded_at, coalesce(position, 0), coalesce(e.recorded_at, 'epoch')"
        " FROM event_log AS l LEFT JOIN"
        " (SELECT position, recorded_at FROM event ORDER BY position DESC LIMIT 1) AS e ON true"
    )
    if last != size:
        yield Finding("order", f"event_log is at {size}, the last event at {last}.")
    elif clock != instant:
        yield Finding("order", f"event_log is at {_utc(clock)}, the last event at {_utc(instant)}.")


_RANGE: Final = """
    SELECT
        max(position),
        array_agg(position ORDER BY position) FILTER (WHERE recorded_at < recorded_before),
        array_agg(follows ORDER BY position) FILTER (WHERE position > follows + 1),
        array_agg(position ORDER BY position) FILTER (WHERE position > follows + 1),
        min(position) FILTER (WHERE recorded_at > %s),
        max(position) FILTER (WHERE recorded_at > %s),
        max(recorded_at)
    FROM (
        SELECT position, recorded_at,
            coalesce(lag(position) OVER by_position, 0) AS follows,
            lag(recorded_at) OVER by_position AS recorded_before
        FROM (SELECT * FROM event WHERE position >= %s ORDER BY position LIMIT %s) AS range
        WINDOW by_position AS (ORDER BY position)
    ) AS placed
    WHERE position > %s
"""
"""What is wrong in one range; it begins with the last event of the one before, to compare with."""


def order(progress: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
    """Positions have no gaps, instants neither go back nor lie in the future.

    Args:
        progress: told the last position of each range that was read.
    """
    yield from _end()
    ((now,),) = _query("SELECT clock_timestamp() + %s", AHEAD)
    future: list[int] = []
    after, latest = 0, now
    while True:
        ((last, back, before, behind, first_ahead, last_ahead, instant),) = _query(
            _RANGE, now, now, after, RANGE + 1, after
        )
        if last is None:
            break
        for position in back or ():
            yield Finding("order", f"Event {position} comes after one that is later than it.")
        for first, beyond in zip(before or (), behind or (), strict=True):
            yield Finding("order", f"{_events(first + 1, beyond - 1)} missing.")
        if first_ahead is not None:
            future += [first_ahead, last_ahead]
            latest = max(latest, instant)
        after = last
        progress(after)
    if future:
        yield Finding(
            "order",
            f"{_events(future[0], future[-1])} recorded in the future, up to {_utc(latest)}: the "
            "database's clock was ahead. Until then, all that is recorded is given that instant.",
        )


def requests() -> Iterator[Finding]:
    """What a request is said to have recorded is there, and was recorded by that account."""
    account, key = "", ""
    while rows := _query(
        "SELECT account, key, contract, version, recorded_by"
        " FROM (SELECT * FROM idempotency WHERE (account, key) > (%s, %s)"
        "  ORDER BY account, key LIMIT %s) AS range"
        " LEFT JOIN event USING (contract, version) ORDER BY account, key",
        *(account, key, RANGE),
    ):
        for account, key, contract, version, recorded_by in rows:
            if recorded_by != account:
                by = f"was recorded by {recorded_by}" if recorded_by else "is not there"
                yield Finding(
                    "requests",
                    f"The request {key} of {account} is said to have recorded version {version} "
                    f"of {contract}, which {by}.",
                )


def _events(first: int, last: int) -> str:
    """The subject of a sentence, with its verb."""
    return f"Event {first} is" if first == last else f"Events {first} to {last} are"


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
