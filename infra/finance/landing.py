"""Landing funding events in the tables of a finance database: all of a batch, or nothing.

One transaction holds a batch of events and the offsets after it, so that what is there and how
far it goes can never disagree. An event that comes twice is recognised by `source` and `id`; one
that is missing by `number`, which counts the funding events of a contract from 1 without gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import psycopg
import structlog

from infra.finance.tables import MOVED, NAMED, SCHEMA
from infra.relay.shapes import AMOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

log = structlog.get_logger(__name__)

_LOCK: Final = 0x66756E64  # "fund": who lays the tables out waits for whoever does

_EVENT: Final = (
    "INSERT INTO quartier.funding_event (source, id, sequence, type, contract, number, decided_on,"
    " recorded_at, reference, corrects, value) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_LINE_COLUMNS: Final = ("source", "id", "line", *NAMED, *AMOUNTS, *MOVED)
_LINE: Final = (
    f"INSERT INTO quartier.funding_line ({', '.join(_LINE_COLUMNS)})"  # noqa: S608 - constants only
    f" VALUES ({', '.join(['%s'] * len(_LINE_COLUMNS))})"
)

_GAPS: Final = """
SELECT came.contract, came.number
FROM unnest(%(sources)s::text[], %(contracts)s::text[], %(numbers)s::integer[])
    AS came (source, contract, number)
WHERE came.number > 1
    AND NOT EXISTS (
        SELECT FROM quartier.funding_event before
        WHERE before.source = came.source AND before.contract = came.contract
            AND before.number = came.number - 1
    )
    AND NOT (%(begins_late)s AND NOT EXISTS (
        SELECT FROM quartier.funding_event earlier
        WHERE earlier.source = came.source AND earlier.contract = came.contract
            AND earlier.number < came.number
    ))
ORDER BY came.contract, came.number
LIMIT 1
"""


class StreamFault(Exception):
    """The stream is not what it should be. Nothing of the batch was landed."""


class GapFound(StreamFault):
    """An event of a contract is missing before one that came."""


class EventsDiffer(StreamFault):
    """Two different events came under one id, or one number."""


class Overtaken(Exception):
    """Another follower has landed these offsets meanwhile. Nothing was landed; begin anew."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A funding event as it came, out of Kafka or out of the log.

    value: the message, byte for byte; `event` is the same, read.
    """

    source: str
    id: str
    sequence: int
    value: bytes
    event: Mapping[str, Any]


class FinanceDatabase:
    """The finance database, on one connection that is not in autocommit."""

    def __init__(self, connection: psycopg.Connection[Any], topic: str) -> None:
        self._connection = connection
        self._topic = topic

    def prepare(
        self, partitions: Iterable[int], *, after: int | None, identity: str = ""
    ) -> dict[int, int]:
        """Make the tables if they are missing; the next offset of every partition.

        Args:
            partitions: all partitions of the topic.
            after: read the topic again from its beginning, and land what follows this position
                and is not there yet. None goes on where the last batch ended.
            identity: of the topic. If another one was followed, this one is read from its
                beginning.
        """
        with self._connection.transaction():
            execute = self._connection.execute
            execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            # Looked for first: whoever may only write to the tables may not make them again.
            if execute("SELECT to_regclass('quartier.funding_balance')").fetchone() == (None,):
                execute(SCHEMA)
            if after is not None or self._replaced(identity):
                execute("DELETE FROM quartier.funding_partition WHERE topic = %s", [self._topic])
            execute(
                "INSERT INTO quartier.funding_feed (topic, after, topic_id)"
                " VALUES (%(topic)s, %(after)s, %(identity)s)"
                " ON CONFLICT (topic) DO UPDATE SET"
                " topic_id = coalesce(nullif(excluded.topic_id, ''), funding_feed.topic_id),"
                " after = least(funding_feed.after, coalesce(%(given)s, funding_feed.after))",
                {
                    "topic": self._topic,
                    "after": after or 0,
                    "given": after,
                    "identity": identity,
                },
            )
            for partition in partitions:
                execute(
                    "INSERT INTO quartier.funding_partition VALUES (%s, %s, 0)"
                    " ON CONFLICT DO NOTHING",
                    [self._topic, partition],
                )
            return dict(
                execute(
                    "SELECT partition, next_offset FROM quartier.funding_partition"
                    " WHERE topic = %s",
                    [self._topic],
                ).fetchall()
            )

    def _replaced(self, identity: str) -> bool:
        """Whether another topic of this name was followed before."""
        row = self._connection.execute(
            "SELECT topic_id FROM quartier.funding_feed WHERE topic = %s", [self._topic]
        ).fetchone()
        replaced = row is not None and "" not in (row[0], identity) and row[0] != identity
        if replaced:
            log.warning("follow_topic_replaced", topic=self._topic, consequence="read anew")
        return replaced

    def after(self) -> int:
        """The position from which on events are landed."""
        row = self._connection.execute(
            "SELECT after FROM quartier.funding_feed WHERE topic = %s", [self._topic]
        ).fetchone()
        return int(row[0]) if row else 0

    def land(
        self, batch: list[Landed], offsets: Mapping[int, tuple[int, int]], *, after: int
    ) -> int:
        """Land a batch and move the offsets, or neither; how many events were new.

        Args:
            batch: in the order they were read.
            offsets: of each partition that was read, the offset expected and the next one.
            after: events up to this position are passed over.

        Raises:
            GapFound, EventsDiffer: the stream is at fault.
            Overtaken: somebody else is following into this database.
        """
        with self._connection.transaction():
            for partition, (expected, following) in sorted(offsets.items()):
                moved = self._connection.execute(
                    "UPDATE quartier.funding_partition SET next_offset = %s"
                    " WHERE topic = %s AND partition = %s AND next_offset = %s",
                    [following, self._topic, partition, expected],
                )
                if moved.rowcount != 1:
                    raise Overtaken
            new = self._without_known([each for each in batch if each.sequence > after])
            self._insert(new)
            self._refuse_gaps(new, begins_late=after > 0)
        return len(new)

    def _insert(self, new: list[Landed]) -> None:
        with self._connection.cursor() as cursor:
            try:
                cursor.executemany(_EVENT, map(_event_row, new))
            except psycopg.errors.UniqueViolation as error:
                raise EventsDiffer(str(error.diag.message_detail)) from error
            cursor.executemany(_LINE, [row for each in new for row in _line_rows(each)])

    def _without_known(self, batch: list[Landed]) -> list[Landed]:
        """Those not landed yet, once each."""
        known: dict[tuple[str, str], bytes] = {}
        if batch:
            rows = self._connection.execute(
                "SELECT source, id, value FROM quartier.funding_event WHERE id = ANY(%s)",
                [[each.id for each in batch]],
            )
            known = {(source, id_): bytes(value) for source, id_, value in rows}
        new = []
        for each in batch:
            before = known.get((each.source, each.id))
            if before is None:
                known[each.source, each.id] = each.value
                new.append(each)
            elif before != each.value and not _agree(orjson.loads(before), each.event):
                raise EventsDiffer(f"{each.id} came again, and is not what it was.")
        return new

    def _refuse_gaps(self, new: list[Landed], *, begins_late: bool) -> None:
        """Each event follows the one before it, unless it is the first that was asked for."""
        missing = self._connection.execute(
            _GAPS,
            {
                "sources": [each.source for each in new],
                "contracts": [each.event["contract"] for each in new],
                "numbers": [each.event["number"] for each in new],
                "begins_late": begins_late,
            },
        ).fetchone()
        if missing is not None:
            contract, number = missing
            raise GapFound(
                f"{contract}: funding event {number - 1} is missing; {number} came. "
                "See docs/finance.md, “A gap”."
            )


def _agree(before: Any, now: Any) -> bool:
    """Whether all that both say is the same: a version may have gained fields meanwhile."""
    if isinstance(before, dict) and isinstance(now, dict):
        return all(_agree(before[name], now[name]) for name in before.keys() & now.keys())
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(_agree, before, now))
    return bool(before == now)


def _event_row(landed: Landed) -> tuple[Any, ...]:
    event = landed.event
    corrects = event["corrects"]
    return (
        landed.source,
        landed.id,
        landed.sequence,
        event["type"],
        event["contract"],
        event["number"],
        event["decided_on"],
        event["recorded_at"],
        event["reference"],
        corrects["id"] if corrects else None,
        landed.value,
    )


def _line_rows(landed: Landed) -> Iterable[tuple[Any, ...]]:
    for number, line in enumerate(landed.event["lines"], start=1):
        yield (
            landed.source,
            landed.id,
            number,
            *(line[name] for name in NAMED),
            *(line["balances"][amount] for amount in AMOUNTS),
            *(line["moved"][amount] for amount in AMOUNTS),
        )
