"""The web service: processes that share one listening socket, each watched and kept running.

    quartier web ── holds the socket; asks each process for /health/live over a socket of its own
    └─ python -m infra.web.server …   answers: one event loop (`bridge.py`), some threads

HTTP/1.1 only: HTTP/2 is for the proxy in front (`infra/nginx/`).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Final

from infra.processes import metrics
from infra.processes.parent import end_with_parent
from infra.processes.supervisor import Child, Supervisor
from infra.web.alive import is_alive

THREADS: Final = 16
"""Requests that a process works on at the same moment; each thread has its own connection."""

STREAMS: Final = 16
"""Streams of events that a process serves beside: each holds a thread, and no connection."""

LONG_ANSWERS: Final = 28
"""Other answers that may hold a thread for long: as many as all limits together admit."""

BACKLOG: Final = 2_048
"""Connections that the kernel holds until they are accepted."""

LOOK_SECONDS: Final = 0.2

STOP_SECONDS: Final = 3
"""How long what is being answered may go on when the process is told to end."""

LIVE: Final = "/health/live"
PATIENCE_SECONDS: Final = 30.0
"""How long a process may leave that question unanswered before another takes its place."""


def serve(
    host: str,
    port: int,
    *,
    processes: int,
    threads: int = THREADS,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Args:
        host: the address to listen at.
        port: where.
        processes: how many; one uses one core for Python.
        threads: in each of them.
        patience: seconds for which one may leave `/health/live` unanswered.

    Raises:
        OSError: that address cannot be listened at.
    """
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    with (
        tempfile.TemporaryDirectory(prefix="quartier-web-") as folder,
        _listening(host, port) as listening,
        Supervisor(_environment(folder, processes), keep=(listening.fileno(),)) as supervisor,
    ):
        for number in range(processes):
            own = str(Path(folder) / f"{number}.sock")
            command = (sys.executable, "-m", "infra.web.server", listening.fileno(), own, threads)
            supervisor.add(
                Child(
                    f"web-{number}",
                    [str(part) for part in command],
                    is_alive=partial(is_alive, own, os.environ.get("ALLOWED_HOSTS", "")),
                    patience=patience,
                    own_group=False,
                )
            )
        while not stop.wait(LOOK_SECONDS):
            supervisor.tend()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _environment(folder: str, processes: int) -> dict[str, str]:
    """Where several processes put their figures together; unread by a single one."""
    figures = {metrics.FOLDER: folder} if processes > 1 else {}
    return {**figures, **os.environ}


def process(listening: socket.socket, own: str, threads: int) -> None:
    """Answer requests in this process until it is told to end, or the one that started it ends.

    Args:
        listening: the socket that all processes share.
        own: path of this one's own socket.
        threads: requests it works on at the same moment.
    """
    end_with_parent()
    import uvicorn  # noqa: PLC0415 - only the processes that answer need it

    from infra.eventstore.shared_subscription import TAIL  # noqa: PLC0415 - it has much to load
    from infra.web.bridge import Bridge  # noqa: PLC0415
    from infra.web.connections import IDLE_SECONDS, Connection, Server  # noqa: PLC0415
    from infra.web.wsgi import application  # noqa: PLC0415 - it configures Django

    config = uvicorn.Config(
        Bridge(application, threads=threads + STREAMS + LONG_ANSWERS, aside=[LIVE]),
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        # Its own few lines go where ours go; the requests are logged by api/http/middleware.py.
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    with socket.socket(socket.AF_UNIX) as alone:
        Path(own).unlink(missing_ok=True)
        alone.bind(own)
        Server(config, on_stop=TAIL.stop).run([listening, alone])


def default_processes() -> int:
    """One for two cores: PostgreSQL and the worker want theirs."""
    return max(1, (os.cpu_count() or 2) // 2)


if __name__ == "__main__":
    process(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], int(sys.argv[3]))
