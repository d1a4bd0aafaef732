"""The web service: granian with the WSGI application.

Importing this module is what granian's worker processes do; `serve` is for the one that starts
them. A worker ends when that one is killed, so that no port stays taken.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Final

from infra import metrics
from infra.parent import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS: Final = 16
"""Requests that a process answers at the same moment; each thread has its own connection."""

STREAMS: Final = 16
"""Streams of events that a process serves beside: each holds a thread, and no connection."""


def serve(host: str, port: int, *, processes: int, threads: int = THREADS) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Args:
        host: the address to listen at.
        port: where.
        processes: how many; one uses one core for Python.
        threads: in each of them.
    """
    with tempfile.TemporaryDirectory(prefix="quartier-metrics-") as shared:
        # Where the processes put their figures together; unread by a single one.
        if processes > 1:
            os.environ.setdefault(metrics.FOLDER, shared)
        _granian(host, port, processes, threads)


def _granian(host: str, port: int, processes: int, threads: int) -> None:
    from granian import Granian  # noqa: PLC0415 - only the command that serves needs it
    from granian.constants import Interfaces  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    Granian(
        "infra.web:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        # They are started as they are needed.
        blocking_threads=threads + STREAMS,
        backpressure=64 * threads,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=3,
        blocking_threads_idle_timeout=600,
        log_dictconfig=_logging(),
        log_level=LogLevels.error,
        websockets=False,
        factory=True,
    ).serve()


def application() -> Callable[..., Any]:
    """The WSGI application, in a process that ends with the one that started it."""
    end_with_parent()
    from infra.tail import TAIL  # noqa: PLC0415 - it has much to load
    from infra.wsgi import application as wsgi  # noqa: PLC0415 - it configures Django

    _on_stop(TAIL.stop)
    return wsgi


def _on_stop(then: Callable[[], None]) -> None:
    """Do something when this process is told to end, whoever handles the signal.

    Granian's handler lets requests come to their end; a stream of events has none, and would be
    cut off with everything else once patience is over.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def watch() -> None:
        while os.read(reading, 1)[0] not in {signal.SIGINT, signal.SIGTERM}:
            pass
        then()

    threading.Thread(target=watch, name="stop", daemon=True).start()


def _logging() -> dict[str, Any]:
    """Granian's own few lines go where ours go, in our format."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "loggers": {"_granian": {"propagate": True}},
    }


def default_processes() -> int:
    """One for two cores: PostgreSQL and the worker want theirs."""
    return max(1, (os.cpu_count() or 2) // 2)
