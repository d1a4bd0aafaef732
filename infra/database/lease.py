"""Leases: work that one process does at a time, taken over when its holder stops answering.

A row of the table `lease` for each work. The holder renews it from a thread of its own; a process
that finds it expired, or the holder's session gone, takes it over under the next token. The only
clock is the database's.

A lease spares work, it makes nothing safe by itself: a holder that was suspended wakes up in the
midst of what it was doing. What it then does is fenced off elsewhere:

    relay        Kafka's transactional epoch
    seal         `demand` in the transaction that signs
    projections  a position moves only from where it was read
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg
import structlog

from infra.database.connection import cursor, dedicated

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    Connection = psycopg.Connection[tuple[Any, ...]]

log = structlog.get_logger(__name__)

LEASE_SECONDS: Final = 6.0
"""How long a lease lasts that is not renewed."""

RENEW_SECONDS: Final = 1.5
RETRY_SECONDS: Final = 1.0
"""How often a process that stands by asks for the lease."""

LOCK_SECONDS: Final = 1
"""How long a statement waits for the row: a suspended holder may keep it locked for a while."""

_TAKE: Final = """
    INSERT INTO lease AS held (name, token, holder, backend, renewed_at, expires_at)
    VALUES (%s, 1, %s, pg_backend_pid(), clock_timestamp(), clock_timestamp() + %s * interval '1 s')
    ON CONFLICT (name) DO UPDATE SET token = held.token + 1, holder = excluded.holder,
        backend = excluded.backend, renewed_at = excluded.renewed_at,
        expires_at = excluded.expires_at
    WHERE held.expires_at < clock_timestamp()
        OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = held.backend)
    RETURNING token
"""
_RENEW: Final = """
    UPDATE lease SET backend = pg_backend_pid(), renewed_at = clock_timestamp(),
        expires_at = clock_timestamp() + %s * interval '1 s'
    WHERE name = %s AND token = %s
"""
_RELEASE: Final = """
    UPDATE lease SET backend = NULL, expires_at = clock_timestamp()
    WHERE name = %s AND token = %s
"""
_DEMAND: Final = "SELECT FROM lease WHERE name = %s AND token = %s FOR UPDATE"
_NOTE: Final = """
    UPDATE lease SET note = %s WHERE name = %s AND token = %s AND note IS DISTINCT FROM %s
"""


class LeaseLost(Exception):
    """Another process has taken the lease over."""


class Lease:
    """One process's part in a lease. `take` and `release` are for one thread; or use `with`.

    Args:
        name: of the work.
        connect: opens a connection in autocommit; one is kept, from the first `take` on.
    """

    def __init__(self, name: str, connect: Callable[[], Connection] = dedicated) -> None:
        self.name = name
        self._connect = connect
        self._connection: Connection | None = None
        self._token: int | None = None
        self._until = self._next_try = 0.0
        self._using = threading.RLock()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def token(self) -> int | None:
        """The number of this holding, larger than that of any before; None while another holds."""
        return self._token

    @property
    def holds(self) -> bool:
        """Whether this process holds the lease, as far as it can know without asking."""
        return self._token is not None and time.monotonic() < self._until

    def take(self) -> bool:
        """Hold the lease, if no other process does; whether this one holds it now.

        Raises:
            psycopg.Error: the database cannot be asked.
        """
        if self.holds:
            return True
        with self._using:
            if self._token is not None:
                # Late, perhaps suspended: but it may still be ours.
                return self._renew()
            if time.monotonic() < self._next_try:
                return False
            self._next_try = time.monotonic() + RETRY_SECONDS
            return self._take()

    def demand(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
        """Keep the lease from being taken over until this cursor's transaction ends.

        Raises:
            LeaseLost: it was taken over already.
        """
        if cursor.execute(_DEMAND, [self.name, self._token]).fetchone() is None:
            raise LeaseLost(self.name)

    def say(self, note: str | None) -> None:
        """Note why the work waits, or that it goes on (None); nothing unless this one holds it."""
        with self._using, contextlib.suppress(psycopg.Error):
            if self._token is not None:
                self._execute(_NOTE, note, self.name, self._token, note)

    def release(self) -> None:
        """Let another process take it at once."""
        self._ended.set()
        with self._using:
            token, self._token = self._token, None
            self._next_try = 0.0
            if self._connection is not None:
                with contextlib.suppress(psycopg.Error):
                    self._execute(_RELEASE, self.name, token)
                self._disconnect()

    # --- With the connection ----------------------------------------------------------------------

    def _take(self) -> bool:
        began = time.monotonic()
        holder = f"{socket.gethostname()}/{os.getpid()}"
        try:
            row = self._execute(_TAKE, self.name, holder, LEASE_SECONDS).fetchone()
        except psycopg.errors.LockNotAvailable:
            return False  # a transaction of its holder has the row
        if row is None:
            return False
        self._token, self._until = int(row[0]), began + LEASE_SECONDS
        self._ended = threading.Event()
        threading.Thread(
            target=self._keep, args=[self._ended], name=f"lease-{self.name}", daemon=True
        ).start()
        log.info("lease_taken", lease=self.name, token=self._token)
        return True

    def _renew(self) -> bool:
        began = time.monotonic()
        try:
            renewed = self._execute(_RENEW, LEASE_SECONDS, self.name, self._token).rowcount
        except psycopg.errors.LockNotAvailable:
            return self.holds  # our own transaction has the row, for as long as it takes
        if renewed:
            self._until = began + LEASE_SECONDS
            return True
        log.warning("lease_lost", lease=self.name, token=self._token)
        self._token = None
        self._ended.set()
        return False

    def _keep(self, ended: threading.Event) -> None:
        """Renew until the lease is given up or lost."""
        while not ended.wait(RENEW_SECONDS):
            with self._using:
                if ended.is_set():
                    return
                try:
                    self._renew()
                except psycopg.Error as error:
                    log.warning("lease_not_renewed", lease=self.name, error=type(error).__name__)

    def _execute(self, query: str, *parameters: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        try:
            return self._connection.execute(query, parameters)
        except psycopg.OperationalError as error:
            if not isinstance(error, psycopg.errors.LockNotAvailable):
                self._disconnect()  # the next statement opens another
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


# --- For whoever asks how it is going -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as it stands: by whom it was renewed last, when, and whether it still counts.

    note: why the work waits; None while it goes on.
    """

    name: str
    holder: str
    renewed_at: datetime
    alive: bool
    note: str | None


def leases() -> dict[str, Held]:
    """Every lease that was ever taken, by name."""
    rows = cursor().execute(
        "SELECT name, holder, renewed_at, expires_at >= clock_timestamp() AND backend IN"
        " (SELECT pid FROM pg_stat_activity), note FROM lease"
    )
    return {row[0]: Held(row[0], row[1], row[2], bool(row[3]), row[4]) for row in rows}
