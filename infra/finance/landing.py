"""The tables that funding events land in: PostgreSQL, in a schema of their own.

One transaction holds a batch of events and the offsets after it, so that what is there and how
far it goes can never disagree. An event that comes twice is recognised by `source` and `id`; one
that is missing by `number`, which counts the funding events of a contract from 1 without gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg

from infra.relay.shapes import AMOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMED: Final = (
    "account",
    "action",
    "title",
    "service",
    "route",
    "budget_line",
    "year",
    "proposal",
    "deliberation",
    "gross",
    "net",
    "credit",
)
_MOVED: Final = tuple(f"moved_{amount}" for amount in AMOUNTS)
_FRANCS: Final = "numeric(18, 2) NOT NULL"

SCHEMA: Final = f"""
CREATE SCHEMA IF NOT EXISTS quartier;
CREATE TABLE IF NOT EXISTS quartier.funding_feed (
    topic text PRIMARY KEY,
    after bigint NOT NULL
);
COMMENT ON COLUMN quartier.funding_feed.after IS 'Events up to this position were never asked for';
CREATE TABLE IF NOT EXISTS quartier.funding_partition (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
CREATE TABLE IF NOT EXISTS quartier.funding_event (
    source text NOT NULL,
    id text NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    contract text NOT NULL,
    number integer NOT NULL,
    decided_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    reference text,
    corrects text,
    value bytea NOT NULL,
    landed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, id),
    UNIQUE (source, contract, number),
    UNIQUE (source, sequence)
);
COMMENT ON COLUMN quartier.funding_event.value IS 'The message as it came, byte for byte';
CREATE INDEX IF NOT EXISTS funding_event_recorded_at ON quartier.funding_event (recorded_at);
CREATE TABLE IF NOT EXISTS quartier.funding_line (
    source text NOT NULL,
    id text NOT NULL,
    line integer NOT NULL,
    account text NOT NULL,
    action text,
    title text,
    service text,
    route text,
    budget_line text,
    year integer,
    proposal text,
    deliberation text,
    gross numeric(18, 2),
    net numeric(18, 2),
    credit text,
    {", ".join(f"{name} {_FRANCS}" for name in (*AMOUNTS, *_MOVED))},
    PRIMARY KEY (source, id, line),
    FOREIGN KEY (source, id) REFERENCES quartier.funding_event (source, id)
);
CREATE OR REPLACE VIEW quartier.funding_balance AS
SELECT DISTINCT ON (source, contract, account)
    source, contract, {", ".join(_NAMED)}, {", ".join(AMOUNTS)}, sequence
FROM quartier.funding_event JOIN quartier.funding_line USING (source, id)
ORDER BY source, contract, account, sequence DESC;
"""  # noqa: S608 - constants only

_LOCK: Final = 0x66756E64  # "fund": who lays the tables out waits for whoever does

_EVENT: Final = (
    "INSERT INTO quartier.funding_event (source, id, sequence, type, contract, number, decided_on,"
    " recorded_at, reference, corrects, value) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_LINE_COLUMNS: Final = ("source", "id", "line", *_NAMED, *AMOUNTS, *_MOVED)
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

    def prepare(self, partitions: Iterable[int], *, after: int | None) -> dict[int, int]:
        """Make the tables if they are missing; the next offset of every partition.

        Args:
            partitions: all partitions of the topic.
            after: read the topic again from its beginning, and land what follows this position
                and is not there yet. None goes on where the last batch ended.
        """
        with self._connection.transaction():
            execute = self._connection.execute
            execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            execute(SCHEMA)
            if after is not None:
                execute("DELETE FROM quartier.funding_partition WHERE topic = %s", [self._topic])
            execute(
                "INSERT INTO quartier.funding_feed (topic, after) VALUES (%(topic)s, %(after)s)"
                " ON CONFLICT (topic) DO UPDATE SET after = least("
                "    funding_feed.after, coalesce(%(given)s, funding_feed.after))",
                {"topic": self._topic, "after": after or 0, "given": after},
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
            elif before != each.value:
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
            raise GapFound(f"{contract}: funding event {number - 1} is missing; {number} came.")


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
            *(line[name] for name in _NAMED),
            *(line["balances"][amount] for amount in AMOUNTS),
            *(line["moved"][amount] for amount in AMOUNTS),
        )
