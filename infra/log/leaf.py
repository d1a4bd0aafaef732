"""What the log holds of a decision: its circumstances, and the digest of its content.

    {"body":"administrative_council","contract":"paquis","decided_on":"2014-03-05",
     "payload_sha256":"9f86…","position":2,"recorded_at":"2026-11-22T09:30:00.123456Z",
     "recorded_by":"coordinator","schema":1,"type":"perimeter-set","version":2}

Canonical JSON on one line. It holds nothing that may have to be forgotten, and a text within the
payload counts by its salted digest: whatever is erased, the log still verifies.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

MAX_ENTRY: Final = 65_535
"""Bytes in one entry: its length is written in two (C2SP tlog-tiles)."""

COLUMNS: Final = (
    "position, contract, version, type, schema, body, decided_on, recorded_at, recorded_by,"
    " encode(sha256(convert_to(payload::text, 'UTF8')), 'hex')"
)
"""The columns of `event` that a `Leaf` is made of; the payload stays in the database."""


class Leaf(NamedTuple):
    """The parts of an entry, in the order of `COLUMNS`."""

    position: int
    contract: str
    version: int
    type: str
    schema: int
    body: str
    decided_on: date
    recorded_at: datetime
    recorded_by: str
    payload_sha256: str

    def entry(self) -> bytes:
        """The bytes that are hashed, in canonical JSON.

        Raises:
            ValueError: they are more than an entry may have.
        """
        written = orjson.dumps(
            {  # sorted: canonical JSON
                "body": self.body,
                "contract": self.contract,
                "decided_on": self.decided_on.isoformat(),
                "payload_sha256": self.payload_sha256,
                "position": self.position,
                "recorded_at": rfc3339(self.recorded_at),
                "recorded_by": self.recorded_by,
                "schema": self.schema,
                "type": self.type,
                "version": self.version,
            }
        )
        if len(written) > MAX_ENTRY:
            raise ValueError(f"entry {self.position} has {len(written)} bytes")
        return written


def leaf_of(row: tuple[Any, ...]) -> Leaf:
    """The leaf of a row of `infra.eventstore.store.COLUMNS`, which ends with the payload itself.

    >>> leaf_of(
    ...     (2, "paquis", 2, "perimeter-set", 1, "administrative_council", date(2014, 3, 5),
    ...      datetime(2026, 11, 22, 9, 30, tzinfo=UTC), "coordinator", '{"data":{}}')
    ... ).payload_sha256[:8]
    '2e8c4ef0'
    """
    return Leaf._make((*row[:9], sha256(row[9].encode()).hexdigest()))


def rfc3339(instant: datetime) -> str:
    """An instant in UTC with microseconds: `2026-11-22T09:30:00.123456Z`."""
    at = instant.astimezone(UTC)
    # Twice as fast as `isoformat`, which is half of what an entry costs.
    day = f"{at.year:04}-{at.month:02}-{at.day:02}"
    return f"{day}T{at.hour:02}:{at.minute:02}:{at.second:02}.{at.microsecond:06}Z"
