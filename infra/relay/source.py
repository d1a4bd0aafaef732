"""What the relay reads: the events after a position, in order, and the log's checkpoints."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, Protocol

import psycopg

from infra.database.lease import Lease
from infra.eventstore.store import COLUMNS, recorded_of
from infra.log import tiles
from infra.log.leaf import leaf_of
from infra.log.merkle import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from domain.kernel.decision import Recorded
    from infra.log.tiles import Sealed

Row = tuple[Any, ...]
"""A row of `infra.eventstore.store.COLUMNS`; the payload is text."""

CHANNELS: Final = ("quartier_events", "quartier_checkpoints")

LEASE: Final = "relay"
"""What the active relay holds. It spares relays from fencing one another in turns; what makes it
safe is the fencing."""


def id_of(row: Row) -> str:
    """The `ce_id` of its event: contract and version."""
    return f"{row[1]}/{row[2]}"


def leaf_hash_of(row: Row) -> str:
    """The hash of its leaf in the transparency log, in hexadecimal: what the event is, whole."""
    return leaf_hash(leaf_of(row).entry()).hex()


class Source(Protocol):
    """Where the decisions and the checkpoints come from."""

    def claim(self) -> bool:
        """Become the active relay; False as long as another one is."""

    def holds(self) -> bool:
        """Whether this is the active relay still."""

    def say(self, note: str | None) -> None:
        """Note why the active relay does not go on; None where it does."""

    def root(self, size: int) -> bytes | None:
        """The root of the tree over the first `size` events; None if there are fewer."""

    def size(self) -> int:
        """The position of the last event."""

    def rows(self, after: int, limit: int) -> list[Row]:
        """Events in order, from the one that follows the position `after`."""

    def checkpoints(self, after: int, limit: int) -> list[Sealed]:
        """Signed checkpoints of trees larger than `after`, in order."""

    def wait(self, seconds: float) -> None:
        """Return when something may have been recorded or sealed, or after a while."""

    def history(
        self, contract: str, before: int, slugs: Collection[str]
    ) -> Iterator[Recorded[Any]]:
        """A contract's earlier decisions of some types, up to below the version `before`."""

    def type_at(self, position: int) -> str | None:
        """The slug of the decision at a position."""

    def close(self) -> None:
        """Give up the lease and the connection; the next use opens another."""


class LogSource:
    """The event log in PostgreSQL, on a connection of its own, and another for the lease."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._lease = Lease(LEASE, connect)

    def claim(self) -> bool:
        """Become the active relay; False as long as another one is."""
        return self._lease.take()

    def holds(self) -> bool:
        """Whether this is the active relay still."""
        return self._lease.holds

    def say(self, note: str | None) -> None:
        """Note why the active relay does not go on; None where it does."""
        self._lease.say(note)

    def root(self, size: int) -> bytes | None:
        """The root of the tree over the first `size` events; None if there are fewer.

        Raises:
            LookupError: what was sealed of them is not all there.
        """
        return tiles.root_at(self._open().cursor(), size)

    def size(self) -> int:
        """The position of the last event."""
        return int(self._one("SELECT size FROM event_log"))

    def rows(self, after: int, limit: int) -> list[Row]:
        """Events in order, from the one that follows the position `after`."""
        return self._all(
            f"SELECT {COLUMNS} FROM event WHERE position > %s ORDER BY position LIMIT %s",  # noqa: S608 - constants
            after,
            limit,
        )

    def checkpoints(self, after: int, limit: int) -> list[Sealed]:
        """Signed checkpoints of trees larger than `after`, in order."""
        return list(tiles.checkpoints_after(self._open().cursor(), after, limit))

    def wait(self, seconds: float) -> None:
        """Return when something may have been recorded or sealed, or after a while."""
        connection = self._open()
        for _ in connection.notifies(timeout=seconds, stop_after=1):
            pass

    def history(
        self, contract: str, before: int, slugs: Collection[str]
    ) -> Iterator[Recorded[Any]]:
        """A contract's earlier decisions of some types, up to below the version `before`."""
        if before > 1:
            query = (
                f"SELECT {COLUMNS} FROM event"  # noqa: S608 - constants only
                " WHERE contract = %s AND version < %s AND type = ANY(%s) ORDER BY version"
            )
            yield from map(recorded_of, self._all(query, contract, before, list(slugs)))

    def type_at(self, position: int) -> str | None:
        """The slug of the decision at a position."""
        rows = self._all("SELECT type FROM event WHERE position = %s", position)
        return rows[0][0] if rows else None

    def close(self) -> None:
        """Give up the lease and the connection; the next use opens another."""
        self._lease.release()
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = self._connect()
            for channel in CHANNELS:
                self._connection.execute(f"LISTEN {channel}")
            self._connection.execute("SET TIME ZONE 'UTC'")
        return self._connection

    def _all(self, query: str, *parameters: Any) -> list[Row]:
        # Binary: instants and numbers are read several times faster than as text.
        return self._open().execute(query, parameters, prepare=True, binary=True).fetchall()

    def _one(self, query: str, *parameters: Any) -> Any:
        return self._all(query, *parameters)[0][0]
