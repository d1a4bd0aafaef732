"""What must hold before `quartier up` starts anything: it is alone, and nothing is in its way."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from typing import TYPE_CHECKING, Final

from infra.broker import kafka_client
from infra.conf import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT_SECONDS: Final = 8.0
"""How long a killed run's children may take to be gone, and what they listen at to be free."""

LOOK_SECONDS: Final = 0.2


class CannotStart(Exception):
    """It cannot be started here; the sentence says why and what to do."""

    def __init__(self, message: str, *, used_wrongly: bool = False) -> None:
        super().__init__(message)
        self.used_wrongly = used_wrongly


def demand_secrets() -> None:
    """Look at what the worker needs to reach the brokers: without it, it would die at each start.

    Raises:
        CannotStart: a file that should hold a secret cannot be read.
    """
    try:
        # Where no broker is named, one will be.
        kafka_client.cluster({**os.environ, "KAFKA_BOOTSTRAP_SERVERS": "localhost"})
    except kafka_client.UnreadableSecret as error:
        raise CannotStart(str(error), used_wrongly=True) from error


@contextlib.contextmanager
def alone() -> Iterator[tuple[int, bool]]:
    """One run at a time on its folder.

    Gives the lock that the children are to hold too, as a descriptor, and whether the last run
    was killed. What is held says who is alive, never a process id: a killed process keeps its own
    until its parent asks for it.

    Raises:
        CannotStart: another run holds it.
    """
    with contextlib.ExitStack() as held:
        try:
            environment.HOME.mkdir(parents=True, exist_ok=True)
            own, children = (
                os.open(environment.HOME / name, os.O_RDWR | os.O_CREAT, 0o600)
                for name in ("up.lock", "children.lock")
            )
        except OSError as error:
            raise CannotStart(f"{environment.HOME} cannot be used: {error.strerror}.") from error
        held.callback(os.close, own)
        held.callback(os.close, children)
        if not _try_lock(own):
            raise CannotStart(f"Quartier is running already in {environment.HOME}.")
        after_kill = os.fstat(own).st_size > 0
        deadline = time.monotonic() + LEFT_SECONDS
        while not _try_lock(children):
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"What an earlier run started in {environment.HOME} does not end."
                )
            time.sleep(LOOK_SECONDS)
        os.pwrite(own, b"running\n", 0)
        held.callback(os.truncate, own, 0)
        yield children, after_kill


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def demand_free(host: str, port: int, *, after_kill: bool) -> None:
    """Look whether the port can be used; what a killed run left may have it a moment longer.

    Raises:
        CannotStart: it cannot.
    """
    deadline = time.monotonic() + (LEFT_SECONDS if after_kill else 0.0)
    while (error := _taken(host, port)) is not None:
        if time.monotonic() > deadline:
            raise CannotStart(
                f"Port {port} cannot be used ({error.strerror}). Another one: PORT={port + 1} …"
            ) from error
        time.sleep(LOOK_SECONDS)


def _taken(host: str, port: int) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
