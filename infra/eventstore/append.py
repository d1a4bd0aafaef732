"""The append: one SQL call that writes events, the texts behind them and the idempotency record.

`infra/sql/0004_append.sql` says what it does in the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
import psycopg
from django.db import connection

from infra.database.connection import cursor, forget_connection
from infra.database.prepared import Prepared
from infra.eventstore.group_commit import Abandoned, Combiner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.eventstore.store import StoredDecision

LARGEST: Final = 1_000
"""Events in one call; more than that in one statement serves nobody who waits."""

Item = dict[str, Any] | orjson.Fragment
_STALE: Final = "QT001"
STATEMENT: Final = "SELECT last_position, recorded_at FROM append(%s::json, %s::json, %s::json)"


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the events went: the position of the last one, and the instant of all of them."""

    last_position: int
    recorded_at: datetime


class StaleVersion(Exception):
    """A contract is not at the version that the events were to follow. Nothing was written."""


class KeyUsed(Exception):
    """A request with this idempotency key was recorded before. Nothing was written."""


class Busy(Exception):
    """The database gave up on it in favour of others: try again. Nothing was written."""


class Indefinite(Exception):
    """The connection was lost while writing: whether it was written must be looked up."""


def event_json(stored: StoredDecision) -> dict[str, Any]:
    """An event in the shape that the SQL function takes; its payload is passed on unread."""
    return {
        "contract": stored.originator_id,
        "version": stored.originator_version,
        "type": stored.topic,
        "schema": stored.schema,
        "body": stored.body,
        "decided_on": stored.decided_on,
        "recorded_by": stored.recorded_by,
        "payload": orjson.Fragment(stored.state),
    }


@dataclass(frozen=True, slots=True)
class Write:
    """What is written together, each item as a JSON value or as the bytes of one.

    events: from `event_json`; the versions of a contract follow one another.
    texts: a `Keeper`'s.
    keys: of `{"account", "key", "digest", "contract", "version"}`, the digest in hex.
    """

    events: Sequence[Item]
    texts: Sequence[Item] = ()
    keys: Sequence[Item] = ()


def append(write: Write) -> Appended:
    """Write it all, or nothing, in this thread's transaction if it has one.

    At most 1,000 events, texts and keys each. Outside a transaction, what several threads write
    at the same moment is written together.

    Raises:
        StaleVersion: a contract has moved on.
        KeyUsed: an idempotency key was used before.
        Busy: a deadlock or the like; it may succeed at once.
        Indefinite: the answer was lost with the connection.
    """
    if max(len(write.events), len(write.texts), len(write.keys)) > LARGEST:
        raise ValueError(f"at most {LARGEST} events in one call")
    if connection.in_atomic_block or len(write.events) != 1:
        return _append(write)
    try:
        return _together(write)
    except Abandoned as error:
        raise Indefinite from error


def _append_several(writes: Sequence[Write]) -> list[Appended | BaseException]:
    """One call for all; if that fails, one for each, so that nobody fails for somebody else."""
    if len(writes) > 1:
        try:
            last = _append(
                Write(
                    [event for write in writes for event in write.events],
                    [text for write in writes for text in write.texts],
                    [key for write in writes for key in write.keys],
                )
            )
        except (StaleVersion, KeyUsed, Busy, psycopg.DataError, psycopg.IntegrityError):
            pass
        else:
            first = last.last_position - len(writes) + 1
            return [Appended(first + index, last.recorded_at) for index in range(len(writes))]
    return [_attempt(write) for write in writes]


def _attempt(write: Write) -> Appended | BaseException:
    try:
        return _append(write)
    except Exception as error:  # noqa: BLE001 - it is raised in the thread that asked
        return error


_together: Combiner[Write, Appended] = Combiner(_append_several, most=100)


def _append(write: Write) -> Appended:
    try:
        return _call(
            orjson.dumps(write.events),
            orjson.dumps(write.texts) if write.texts else None,
            orjson.dumps(write.keys) if write.keys else None,
        )
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name == "idempotency_pkey":
            raise KeyUsed from error
        raise
    except psycopg.OperationalError as error:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57")):
            forget_connection()
            raise Indefinite from error
        if error.sqlstate.startswith("40"):
            raise Busy from error
        raise
    except psycopg.DatabaseError as error:
        if error.sqlstate == _STALE:
            raise StaleVersion(error.diag.message_primary) from error
        raise


def _call(*parameters: bytes | None) -> Appended:
    ours = cursor()
    if connection.in_atomic_block:
        as_text = [given and given.decode() for given in parameters]
        row = ours.execute(STATEMENT, as_text, prepare=True).fetchone()
        assert row is not None  # noqa: S101 - a function answers with one row
        return Appended(*row)
    last_position, recorded_at = _append_statement.row(ours.connection, *parameters)
    # Both are null where no events were given.
    return Appended(
        int(last_position or 0), datetime.fromisoformat((recorded_at or _EPOCH).decode())
    )


_EPOCH: Final = b"1970-01-01 00:00:00+00"
_append_statement = Prepared(
    "quartier_append",
    "SELECT last_position, recorded_at FROM append($1::json, $2::json, $3::json)",
)
