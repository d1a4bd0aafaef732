"""Figures for Prometheus: of this process, or of all that share a folder of this machine.

PROMETHEUS_MULTIPROC_DIR names the folder. It must be set before the first figure is made.
"""

from __future__ import annotations

import os
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


def registry() -> CollectorRegistry:
    """What there is to tell, when somebody asks."""
    if not os.environ.get(FOLDER):
        return REGISTRY
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return shared


def serve(port: int) -> None:
    """Answer Prometheus from a thread beside the work, at every address of this machine.

    Raises:
        OSError: the port cannot be used.
    """
    start_http_server(port, registry=registry())


def forget(pid: int | None, folder: str | None) -> None:
    """Tell no gauge any more of a process that has died: it would stay as it was for ever."""
    if folder and pid is not None:
        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
