"""A day of funding events in 32 bytes, computed alike by whoever sent them and whoever landed them.

The digest is SHA-256 over one line of ASCII for each account of each event of that day, in the
order of the events. A line ends with a line feed, its fields are separated by single spaces:

    <sequence> <id> <type> <decided_on> <account> <requested> <voted> <enforceable> <available>
    <committed> <spent> <released> <refused>

`sequence` is `ce_sequence` with its 20 digits, the sums are the balances after the event with two
places. An event about no account has one line that ends after `decided_on`. The day is the one in
Geneva (Europe/Zurich) in which `ce_time` falls.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import orjson

from infra.database.connection import cursor
from infra.eventstore.store import COLUMNS, recorded_of
from infra.relay.accounts import READ, Accounts
from infra.relay.shapes import AMOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from domain.kernel.decision import Recorded

GENEVA: Final = ZoneInfo("Europe/Zurich")


@dataclass(frozen=True, slots=True)
class Day:
    """The funding events of a day: how many, their digest, and the lines it is over."""

    date: dt.date
    events: int
    digest: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, date: dt.date, events: int, lines: Iterable[str]) -> Day:
        """The day that these lines, each without its line feed, are of."""
        lines = tuple(lines)
        text = "".join(f"{line}\n" for line in lines)
        return cls(date, events, hashlib.sha256(text.encode("ascii")).hexdigest(), lines)

    def as_json(self, *, lines: bool = False) -> dict[str, Any]:
        """What `GET /funding/digest` answers; the lines only where they are asked for."""
        answer = {"date": self.date.isoformat(), "events": self.events, "digest": self.digest}
        return {**answer, "lines": list(self.lines)} if lines else answer


def lines_of(event: dict[str, Any]) -> Iterator[str]:
    """The lines of one event, from the payload of its message."""
    head = (
        f"{event['position']:020d} {event['contract']}/{event['version']}"
        f" {event['type']} {event['decided_on']}"
    )
    if not event["lines"]:
        yield head
    for line in event["lines"]:
        sums = " ".join(line["balances"][amount] for amount in AMOUNTS)
        yield f"{head} {line['account']} {sums}"


def bounds(date: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """The first instant of a day in Geneva, and that of the next."""
    start = dt.datetime.combine(date, dt.time(), GENEVA)
    end = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), GENEVA)
    return start, end


# --- Our side: folded from the log --------------------------------------------------------------


def recorded_day(date: dt.date) -> Day:
    """What was recorded on a day, from the event log, through Django's connection."""
    events = list(funding_events(date))
    return Day.of(date, len(events), (line for event in events for line in lines_of(event)))


def funding_events(date: dt.date) -> Iterator[dict[str, Any]]:
    """The payloads of a day's funding events, in order, as they are published."""
    first, last = positions(date)
    touched = [
        contract
        for (contract,) in _rows(
            "SELECT DISTINCT contract FROM event WHERE position BETWEEN %s AND %s"
            " AND type = ANY(%s)",
            *(first, last, list(READ)),
        )
    ]
    events = [
        event
        for start in range(0, len(touched), TOGETHER)
        for history in _histories(touched[start : start + TOGETHER], last)
        for event in _events(history, first)
    ]
    for event in sorted(events, key=itemgetter("position")):
        yield orjson.loads(orjson.dumps(event, option=orjson.OPT_UTC_Z))


TOGETHER: Final = 500
"""Contracts whose histories are read at once, and are in memory together."""


def _histories(contracts: list[str], until: int) -> Iterator[list[Recorded[Any]]]:
    """What decides about the accounts of these contracts up to a position, for each of them."""
    rows = _rows(
        f"SELECT {COLUMNS} FROM event WHERE contract = ANY(%s) AND type = ANY(%s)"  # noqa: S608
        " AND position <= %s ORDER BY contract, version",
        *(contracts, list(READ), until),
    )
    for _, history in groupby(map(recorded_of, rows), key=attrgetter("contract")):
        yield list(history)


def _events(history: list[Recorded[Any]], first: int) -> Iterator[dict[str, Any]]:
    """The funding events of one contract, from a position on."""
    accounts = Accounts(lambda version: (each for each in history if each.version < version))
    for recorded in history:
        event = accounts.take_in(recorded)
        if event is not None and recorded.position >= first:
            yield event


def positions(date: dt.date) -> tuple[int, int]:
    """The first and the last position recorded on a day; the last is smaller if there is none."""
    start, end = bounds(date)
    return _first_since(start), _first_since(end) - 1


def _first_since(instant: dt.datetime) -> int:
    """The position of the first event recorded since; instants never go back along the log."""
    low, high = 1, _size() + 1
    while low < high:
        middle = (low + high) // 2
        (recorded_at,) = _one("SELECT recorded_at FROM event WHERE position = %s", middle)
        if recorded_at < instant:
            low = middle + 1
        else:
            high = middle
    return low


def _size() -> int:
    return int(_one("SELECT size FROM event_log")[0])


def _one(query: str, *parameters: Any) -> tuple[Any, ...]:
    row = cursor().execute(query.encode(), parameters).fetchone()
    assert row is not None, "positions have no gaps"  # noqa: S101
    return row


def _rows(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return cursor().execute(query.encode(), parameters, prepare=False).fetchall()


# --- Their side: out of the finance database ------------------------------------------------------


def landed_sources(connection: psycopg.Connection[Any]) -> list[str]:
    """Every `ce_source` of which events were landed."""
    query = "SELECT DISTINCT source FROM quartier.funding_event ORDER BY source"
    return [source for (source,) in connection.execute(query)]


_LANDED: Final = f"""
SELECT e.source, e.id, e.sequence,
    concat_ws(' ', lpad(e.sequence::text, 20, '0'), e.id, e.type, e.decided_on, l.account,
        {", ".join(f"l.{amount}" for amount in AMOUNTS)})
FROM quartier.funding_event e LEFT JOIN quartier.funding_line l USING (source, id)
WHERE e.recorded_at >= %s AND e.recorded_at < %s AND e.source = coalesce(%s, e.source)
ORDER BY e.sequence, l.line
"""  # noqa: S608 - constants only


def landed_day(
    connection: psycopg.Connection[Any], date: dt.date, source: str | None = None
) -> Day:
    """What was landed of a day, from the finance database alone: of one `ce_source`, or of all."""
    rows = connection.execute(_LANDED.encode(), (*bounds(date), source)).fetchall()
    return Day.of(date, len({row[:2] for row in rows}), (row[3] for row in rows))
