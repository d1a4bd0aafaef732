"""The append: one SQL call that writes events, the texts behind them and the idempotency record.

`infra/sql/0004_append.sql` says what it does in the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import psycopg

from infra.database import cursor, forget_connection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from infra.store import StoredDecision

LARGEST: Final = 1_000
"""Events in one call; more than that in one statement serves nobody who waits."""

_STALE: Final = "QT001"
_STATEMENT: Final = "SELECT last_position, recorded_at FROM append(%s::json, %s::json, %s::json)"


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


def append(
    events: Sequence[dict[str, Any]],
    *,
    texts: Sequence[dict[str, Any]] = (),
    keys: Sequence[dict[str, Any]] = (),
) -> Appended:
    """Write it all, or nothing, in this thread's transaction if it has one.

    Args:
        events: from `event_json`; the versions of a contract follow one another. At most 1,000.
        texts: a `Keeper`'s.
        keys: of `{"account", "key", "digest", "contract", "version"}`, the digest in hex.

    Raises:
        StaleVersion: a contract has moved on.
        KeyUsed: an idempotency key was used before.
        Busy: a deadlock or the like; it may succeed at once.
        Indefinite: the answer was lost with the connection.
    """
    if max(len(events), len(texts), len(keys)) > LARGEST:
        raise ValueError(f"at most {LARGEST} events in one call")
    try:
        row = (
            cursor()
            .execute(
                _STATEMENT,
                (
                    orjson.dumps(events).decode(),
                    orjson.dumps(texts).decode() if texts else None,
                    orjson.dumps(keys).decode() if keys else None,
                ),
                prepare=True,
            )
            .fetchone()
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
    assert row is not None  # noqa: S101 - a function answers with one row
    return Appended(*row)
