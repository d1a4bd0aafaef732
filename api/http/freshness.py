"""How far read models are behind the log, and waiting a moment for one's own decisions.

Lists come from tables that follow the log a moment behind. Each answer says in a header,
`Quartier-Position`, up to which decision it holds everything. Others read the tables as they are;
an account whose decision is not in them yet waits, so that it reads what it has written.

It does not wait where that is in vain. A table that has not taken in its next decision for as
long as anybody would wait, or that is many decisions behind, does not follow: its worker is down,
or has more to do. So a worker that is down costs one wait after the last decision, and no thread.
See docs/adr/0020.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import structlog

from infra.database.connection import cursor

if TYPE_CHECKING:
    from infra.accounts import Account

log = structlog.get_logger(__name__)

HEADER: Final = "Quartier-Position"

PATIENCE: Final = 2.0
"""Seconds after which a table that has not taken in a decision is known to be behind."""

BEHIND: Final = 1_000
"""Decisions that a table is missing when it is known to be behind: a worker's work of a second."""

POLL: Final = 0.01

WAITERS: Final = threading.BoundedSemaphore(4)
"""Requests of this process that may wait at once; its other threads answer."""


def shown_to(account: Account | None, table: str) -> int:
    """The position up to which a table holds everything, and if possible the account's own.

    Waits for those, if need be, for at most `PATIENCE`.
    """
    position, due = _standing(table)
    if account is None or not due:
        return position
    own = _own(account, position)
    if own is None or not WAITERS.acquire(blocking=False):
        return position
    try:
        deadline = time.monotonic() + PATIENCE
        while due and position < own and time.monotonic() < deadline:
            time.sleep(POLL)
            position, due = _standing(table)
    finally:
        WAITERS.release()
    if position < own:
        log.warning("list_was_behind", table=table, position=position, wanted=own)
    return position


def _standing(table: str) -> tuple[int, bool]:
    """Where a table stands, and whether it may take in all that is missing in a moment.

    It may if that is little, of which the first was recorded lately; not if there is nothing.
    """
    row = (
        cursor()
        .execute(
            "SELECT here.position,"
            " coalesce(next.recorded_at > now() - make_interval(secs => %s), false)"
            " AND NOT EXISTS (SELECT FROM event WHERE position = here.position + %s)"
            " FROM (SELECT coalesce(max(position), 0) AS position FROM projection_position"
            " WHERE name = %s) AS here"
            " LEFT JOIN event AS next ON next.position = here.position + 1",
            (PATIENCE, BEHIND, table),
            prepare=True,
        )
        .fetchone()
    )
    assert row is not None  # noqa: S101 - an aggregate
    return row[0], row[1]


def _own(account: Account, after: int) -> int | None:
    """The last position that the account has recorded, among those after another."""
    row = (
        cursor()
        .execute(
            "SELECT max(position) FROM event WHERE recorded_by = %s AND position > %s",
            (account.name, after),
            prepare=True,
        )
        .fetchone()
    )
    return None if row is None else row[0]
