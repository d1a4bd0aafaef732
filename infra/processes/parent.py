"""Ending with whoever started us: a supervisor that was killed leaves nobody behind.

The supervisor keeps the writing end of a pipe open and never writes. The kernel closes it however
the supervisor ends, and whoever reads the other end learns of it.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE: Final = "QUARTIER_PARENT"
"""The environment variable that holds the number of the reading end."""

LOOK_SECONDS: Final = 0.5


def end_with_supervisor() -> None:
    """Have this process told to end (SIGTERM) when its supervisor does, if it has one."""
    if descriptor := os.environ.pop(VARIABLE, None):
        _watch(_read_to_the_end, int(descriptor), lambda: os.kill(os.getpid(), signal.SIGTERM))


def end_with_parent() -> None:
    """End this process at once when the one that started it has ended."""
    _watch(_outlive, os.getppid(), lambda: os._exit(1))


def _watch(wait: Callable[[int], None], what: int, then: Callable[[], None]) -> None:
    def watch() -> None:
        wait(what)
        then()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _read_to_the_end(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass


def _outlive(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
