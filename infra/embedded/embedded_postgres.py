"""PostgreSQL on a machine where none is installed: the wheel's programs, run from a folder.

What is on the disk, below the folder asked for (or below the one used in its place):

    data/         the cluster: UTF-8, locale C.UTF-8 of PostgreSQL itself, so that it sorts
                  everywhere alike; belongs to the server's user, 0700
    socket/       the only way in: no port is opened, and only that user and root may enter
    postgres.log  what the server says
    users.lock    shared lock of each process that uses the server
    server.lock   exclusive lock of the server itself, inherited by all its processes

The locks are flock(2)'s: the kernel drops them however a process ends, so that nothing here has
to believe a process id. The last user out stops the server; a server whose users were all killed
is adopted by the next one.

The wheel's own `PostgresServer` is not used: it opens every folder above the data, a private home
among them, to everyone.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg
import structlog
from psycopg import sql

from infra.embedded.embedded_place import MAJOR, EmbeddedPostgresError, Place, find_place

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "start"]

log = structlog.get_logger(__name__)

START_SECONDS: Final = 60.0
"""How long a start may take: recovery after a crash reads the write-ahead log."""
STOP_SECONDS: Final = 6.0
"""How long a clean stop may take before the server is told to stop at once (it then recovers)."""

SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
FLEETING: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def start(folder: Path, *, durable: bool = True) -> "EmbeddedPostgres":
    """Start the server of a folder, or join the one that runs there already.

    Args:
        folder: where the data shall be; made when missing.
        durable: false lets a crash of the machine lose everything: for tests only.

    Returns:
        The server, ready for connections. Its `notes` say in a sentence each what had to be put
        elsewhere.

    Raises:
        EmbeddedPostgresError: it cannot be started here; the sentence says why.
    """
    server = EmbeddedPostgres(find_place(folder))
    server._start(SETTINGS if durable else SETTINGS | FLEETING)  # noqa: SLF001 - its own maker
    return server


class EmbeddedPostgres:
    """One use of a running server. Ends with `stop`, or with its `with` block."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.notes = place.notes
        self._users: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = SETTINGS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def url(self, database: str = "postgres") -> str:
        """The address of a database, whether or not it exists; libpq and Django take it alike."""
        return (
            f"postgresql://postgres@/{quote(database, safe='')}"
            f"?host={quote(str(self.place.socket), safe='')}"
        )

    def create(self, database: str) -> str:
        """Make a database if it is missing; its address."""
        with (
            psycopg.connect(self.url(), autocommit=True) as connection,
            contextlib.suppress(
                psycopg.errors.DuplicateDatabase,
                psycopg.errors.UniqueViolation,  # made by another process at the same moment
            ),
        ):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url(database)

    def stop(self) -> None:
        """Leave the server; the last to leave stops it. Takes at most about 8 seconds."""
        if self._users is None:
            return
        with self._alone():
            users, self._users = self._users, None
            # Said aloud, not left to close(): a forked child may still hold this descriptor.
            fcntl.flock(users, fcntl.LOCK_UN)
            last = _try_lock(users)
            if last:
                self._shut_down()
            os.close(users)

    def tend(self) -> None:
        """Start the server again if it was killed; what was committed is there.

        Raises:
            EmbeddedPostgresError: it cannot be started any more.
        """
        if self._users is None or self._is_alive():
            return
        with self._alone():
            if self._process is not None:
                self._process.wait()
                self._process = None
            log.warning("postgres_died", data=str(self.place.data))
            self._wait_until_ready()

    def _start(self, settings: dict[str, str]) -> None:
        self._settings = settings
        with self._alone():
            users = os.open(self.place.home / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self._initialise()
                self._wait_until_ready()
            except BaseException:
                if _try_lock(users):
                    self._shut_down()
                os.close(users)
                raise
            self._users = users

    def _initialise(self) -> None:
        """Make the cluster if there is none: wholly, or not at all."""
        version = self.place.data / "PG_VERSION"
        if version.exists():
            if (found := version.read_text(encoding="ascii").strip()) != MAJOR:
                raise EmbeddedPostgresError(
                    f"{self.place.data} was written by PostgreSQL {found}, this is {MAJOR}: "
                    f"bring the data over with pg_upgrade, or move the folder away."
                )
            return
        unfinished = self.place.unfinished_data()
        made = self.place.run(
            "initdb",
            *("--pgdata", str(unfinished), "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        )
        if made.returncode:
            raise EmbeddedPostgresError(f"initdb failed: {made.stderr.strip()}")
        unfinished.rename(self.place.data)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self._is_alive():
                if self._process is not None:
                    break
                self._launch(self._settings)
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:  # starting, recovering, or the last one still dying
                time.sleep(0.05)
            else:
                return
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start in {self.place.data}:\n{self.place.log_tail()}"
        )

    def _launch(self, settings: dict[str, str]) -> None:
        self.place.forget_dead_server()
        quoted = str(self.place.socket).replace('"', '""')
        options = settings | {"unix_socket_directories": f'"{quoted}"'}
        lock = os.open(self.place.home / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A session of its own: Ctrl-C in the terminal is for us, and we stop the server last.
            with self.place.log.open("ab") as output:
                self._process = subprocess.Popen(  # noqa: S603 - the wheel's program, our options
                    [
                        self.place.programs / "postgres",
                        *("-D", self.place.data),
                        *(part for name in options for part in ("-c", f"{name}={options[name]}")),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    pass_fds=(lock,),
                    **self.place.identity(),
                )
        finally:
            os.close(lock)
        log.info("postgres_started", data=str(self.place.data), pid=self._process.pid)

    def _is_alive(self) -> bool:
        lock = os.open(self.place.home / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return not _try_lock(lock)
        finally:
            os.close(lock)

    def _shut_down(self) -> None:
        # PostgreSQL: SIGINT disconnects everyone and stops; SIGQUIT stops as a crash would.
        for request, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 2.0)):
            pid = self.place.server_pid()
            if pid is None or not self._is_alive():
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, request)
            deadline = time.monotonic() + patience
            while self._is_alive() and time.monotonic() < deadline:
                time.sleep(0.02)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1)
            self._process = None
        log.info("postgres_stopped", data=str(self.place.data), clean=not self._is_alive())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time starts or stops the server of a folder."""
        with (self.place.home / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
