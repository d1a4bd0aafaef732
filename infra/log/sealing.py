"""Sealing as it goes on: one process at a time does it, and others stand by."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

import structlog

from infra.database import dedicated
from infra.log import tiles
from infra.log.findings import Refused
from infra.log.keys import key_file
from infra.log.sealer import seal

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import psycopg

    from infra.log.tiles import Cursor, Sealed

    Connection = psycopg.Connection[tuple[Any, ...]]

log = structlog.get_logger(__name__)

LOCK: Final = 0x7175_6172_7469_6572
"""The advisory lock of whoever seals."""

PAUSE: Final = 0.1
"""Seconds between two checkpoints: what is recorded in the meantime shares the next one."""


class SealedElsewhere(Exception):
    """Another process seals this log."""


class Sealer:
    """Seals what is recorded, step by step, on a connection of its own: for a worker.

    Args:
        file: the keys; by default where the environment says. They are read for each checkpoint,
            so that they can be replaced meanwhile.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._connection: Connection | None = None

    def step(self) -> bool:
        """Sign a checkpoint if there is something to seal; whether there may be more at once.

        Raises:
            Refused: nothing is signed any more; what is wrong is logged by name.
            KeyFileError: there are no keys.
        """
        try:
            connection = self._locked()
            sealed = seal(connection, self._file or key_file()) if connection else None
        except Refused as refused:
            log.critical("sealing_refused", **refused.finding.as_json())
            raise
        except BaseException:
            self.close()
            raise
        if sealed is None:
            return False
        log.info("checkpoint_signed", size=sealed.size, root=sealed.root.hex())
        time.sleep(PAUSE)
        return True

    def close(self) -> None:
        """Let another process seal."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                leave_lock(self._connection)
            self._connection.close()
        self._connection = None

    def _locked(self) -> Connection | None:
        """The connection that holds the lock; None while another process holds it."""
        if self._connection is None:
            self._connection = dedicated()
            if not take_lock(self._connection):
                self.close()
        return self._connection


def seal_all(file: Path | None = None) -> Sealed | None:
    """Seal everything that is recorded by now, once; the last new checkpoint, if there is one.

    Raises:
        Refused: nothing (more) was signed, and why.
        KeyFileError: there are no keys.
        SealedElsewhere: another process holds the lock.
    """
    with dedicated() as connection:
        if not take_lock(connection):
            raise SealedElsewhere
        last = None
        try:
            while sealed := seal(connection, file or key_file()):
                last = sealed
        finally:
            leave_lock(connection)
        return last


def take_lock(connection: Connection) -> bool:
    """Become the one who seals, for as long as this connection lasts."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])


def leave_lock(connection: Connection) -> None:
    """Let somebody else seal: at once, where the server would notice a lost connection later."""
    connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


# --- How far it is ------------------------------------------------------------------------------


def unsealed(cursor: Cursor) -> int:
    """How many decisions are recorded and not yet under a signed checkpoint."""
    return tiles.committed(cursor) - tiles.sealed_size(cursor)


def oldest_unsealed(cursor: Cursor) -> datetime | None:
    """When the first decision was recorded that is not under a signed checkpoint; None if all are.

    What is recorded at this moment is not, for the tenth of a second until it is sealed.
    """
    after = tiles.sealed_size(cursor)
    row = cursor.execute(
        "SELECT recorded_at FROM event WHERE position = %s", [after + 1]
    ).fetchone()
    return None if row is None else row[0]


def wait_until_sealed(cursor: Cursor, position: int, seconds: float = 2.0) -> bool:
    """Wait until the decision at that position is under a signed checkpoint, if it soon is."""
    until = time.monotonic() + seconds
    while tiles.sealed_size(cursor) < position:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
