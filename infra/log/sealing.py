"""Sealing as it goes on: one process at a time does it, and others stand by."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import psycopg
import structlog

from infra.database.connection import dedicated
from infra.database.lease import Lease, LeaseLost
from infra.log import tiles
from infra.log.findings import Fault, Refused, finding
from infra.log.keys import key_file, read_keys
from infra.log.sealer import seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from infra.log.keys import LogKeys
    from infra.log.notes import Checkpoint
    from infra.log.tiles import Cursor, Sealed

    Connection = psycopg.Connection[tuple[Any, ...]]
    Published = Callable[[LogKeys], Checkpoint | None]

log = structlog.get_logger(__name__)

LEASE: Final = "seal"

WAITERS: Final = threading.BoundedSemaphore(4)
"""Requests of this process that may wait for a decision to be sealed."""

PAUSE: Final = 0.1
"""Seconds between two checkpoints: what is recorded in the meantime shares the next one."""

ASK_AGAIN_SECONDS: Final = 5.0
"""After which what was published is asked for again."""


class SealedElsewhere(Exception):
    """Another process seals this log."""


class NotAnswered(Exception):
    """Where checkpoints are published, nothing answers; the sentence says why."""


class Sealer:
    """Seals what is recorded, step by step, on a connection of its own: for a worker.

    Args:
        file: the keys; by default where the environment says. They are read for each checkpoint,
            so that they can be replaced meanwhile.
        published: the last checkpoint of the log with these keys that was published out of this
            database's reach; None if there is none. Asked whenever this process begins to seal: a
            database that was put back must not be signed, whatever this machine remembers. It may
            raise `NotAnswered`, and nothing is sealed until it answers.
    """

    def __init__(self, file: Path | None = None, published: Published = lambda _: None) -> None:
        self._file = file
        self._published = published
        self._lease = Lease(LEASE)
        self._connection: Connection | None = None
        self._begun: int | None = None
        self._ask_at = 0.0

    def step(self) -> bool:
        """Sign a checkpoint if there is something to seal; whether there may be more at once.

        Raises:
            Refused: nothing is signed any more; what is wrong is logged by name.
            KeyFileError: there are no keys.
        """
        try:
            sealed = self._step()
        except Refused as refused:
            self._lease.say(f"refused: {refused.finding.fault}")
            log.critical("sealing_refused", **refused.finding.as_json())
            raise
        except NotAnswered as silent:
            self._ask_at = time.monotonic() + ASK_AGAIN_SECONDS
            self._lease.say("waits: where checkpoints are published, nothing answers")
            log.warning("sealing_waits", reason=str(silent))
            self.close()
            return False
        except LeaseLost:
            self.close()
            return False
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
        self._lease.release()
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def _step(self) -> Sealed | None:
        if time.monotonic() < self._ask_at or not self._lease.take():
            return None
        if self._connection is None:
            self._connection = dedicated()
        file = self._file or key_file()
        if self._begun != self._lease.token:
            self._demand_extends_published(self._connection.cursor(), file)
            self._lease.say(None)
            self._begun = self._lease.token
        return seal(self._connection, file, self._lease)

    def _demand_extends_published(self, cursor: Cursor, file: Path) -> None:
        """Refuse a log that is not the one whose last checkpoint was published."""
        kept = self._published(read_keys(file)) if file.exists() else None
        if kept is None:
            return
        try:
            root = tiles.root_at(cursor, kept.size)
        except LookupError as error:
            raise Refused(finding(Fault.TILE_ALTERED, tile=str(error))) from error
        if root is None:
            size = tiles.committed(cursor)
            raise Refused(finding(Fault.LOG_ROLLED_BACK, size=size, kept=kept.size))
        if root != kept.root:
            raise Refused(finding(Fault.LOG_FORKED, kept=kept.size))


def seal_all(file: Path | None = None) -> Sealed | None:
    """Seal everything that is recorded by now, once; the last new checkpoint, if there is one.

    Raises:
        Refused: nothing (more) was signed, and why.
        KeyFileError: there are no keys.
        SealedElsewhere: another process does.
    """
    with Lease(LEASE) as lease, dedicated() as connection:
        if not lease.take():
            raise SealedElsewhere
        last = None
        while sealed := seal(connection, file or key_file(), lease):
            last = sealed
        return last


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
    """Wait until the decision at that position is under a signed checkpoint, if it soon is.

    Where something has been waiting for longer already, nobody seals: it is not waited for.
    Neither is it where enough requests of this process wait; its other threads answer.
    """
    if tiles.sealed_size(cursor) >= position:
        return True
    if not _is_followed(cursor, seconds) or not WAITERS.acquire(blocking=False):
        return False
    try:
        until = time.monotonic() + seconds
        while tiles.sealed_size(cursor) < position:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
    finally:
        WAITERS.release()
    return True


def _is_followed(cursor: Cursor, seconds: float) -> bool:
    """Whether no decision has been waiting to be sealed for that long."""
    row = cursor.execute(
        "SELECT recorded_at > now() - make_interval(secs => %s) FROM event WHERE position = %s",
        [seconds, tiles.sealed_size(cursor) + 1],
    ).fetchone()
    return row is None or bool(row[0])
