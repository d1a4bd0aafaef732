"""Child processes that are started again when they die or hang, and all end when we do."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Final, Self

import structlog

from infra.processes import metrics
from infra.processes.parent import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0
"""Seconds before a child that died is started again, doubled each time in between."""

SETTLED_SECONDS: Final = 30.0
"""A child that lived that long begins with the first pause again."""

START_SECONDS: Final = 60.0
"""How long a child may take until it says for the first time that it is alive."""

PROBE_SECONDS: Final = 0.5
"""Between two questions whether a child is alive."""

STOP_SECONDS: Final = 4.0
"""How long children may take to end by themselves."""


class Child:
    """One program that shall be running.

    Args:
        name: for the log.
        command: the program and its arguments.
        is_alive: asks it whether it is alive; None if only its death can be seen.
        patience: seconds for which it may say nothing before it is taken for hung.
        own_group: whether its process leads a group of its own: Ctrl-C in the terminal is for us,
            and what a killed child leaves can be ended. A supervisor that has a supervisor itself
            leaves its children in its own group, and is ended with them.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        is_alive: Callable[[], bool] | None = None,
        patience: float = math.inf,
        own_group: bool = True,
    ) -> None:
        self.name = name
        self.command = command
        self._is_alive = is_alive
        self._patience = patience
        self._own_group = own_group
        self._answers = False
        self._silent_since: float | None = None
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = FIRST_PAUSE
        self._since = self._due = 0.0

    @property
    def pid(self) -> int | None:
        """Its process now; None if there is none."""
        return None if self._process is None else self._process.pid

    def start(self, environment: Mapping[str, str], descriptors: Sequence[int]) -> None:
        """Start it, with these descriptors and no others."""
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=self._own_group,
        )
        self.starts += 1
        self._since = time.monotonic()
        self._answers, self._silent_since = False, None

    @property
    def is_probed(self) -> bool:
        """Whether it can be asked."""
        return self._is_alive is not None

    def probe(self) -> None:
        """Ask it whether it is alive, and note since when it says nothing."""
        if self._is_alive is None or self._process is None:
            return
        if self._is_alive():
            self._answers, self._silent_since = True, None
        elif self._silent_since is None:
            self._silent_since = time.monotonic()

    def is_hung(self) -> bool:
        """Whether it runs, and has said nothing for longer than it may."""
        if self._silent_since is None:
            return False
        patience = self._patience if self._answers else max(self._patience, START_SECONDS)
        return time.monotonic() - self._silent_since > patience

    def has_died(self) -> bool:
        """Whether it was running and is no more; then it is due again after its pause."""
        if self._process is None or self._process.poll() is None:
            return False
        status, lived = self._process.returncode, time.monotonic() - self._since
        self.kill()
        if lived > SETTLED_SECONDS:
            self._pause = FIRST_PAUSE
        log.error("child_died", child=self.name, status=status, again_in=self._pause)
        self._due = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return True

    def is_due(self) -> bool:
        """Whether it is to be started."""
        return self._process is None and time.monotonic() >= self._due

    def end(self) -> None:
        """Ask it to end."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def kill(self) -> None:
        """End it and whatever it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if self._own_group:
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
            self._process.wait()
            self._process = None

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            return False
        return True


class Supervisor:
    """Keeps children running for the time of a `with` block; then they end within 5 seconds.

    Args:
        environment: of the children.
        keep: descriptors that they inherit, and with them the locks on these files.
    """

    def __init__(self, environment: Mapping[str, str], *, keep: Sequence[int] = ()) -> None:
        self.children: list[Child] = []
        self._ending = threading.Event()
        self._reading, self._writing = os.pipe()
        self._environment = {**environment, VARIABLE: str(self._reading)}
        self._descriptors = (self._reading, *keep)

    def __enter__(self) -> Self:
        return self

    def add(self, child: Child) -> None:
        """Start a child, and keep it running from now on."""
        self.children.append(child)
        self.tend()
        if child.is_probed:
            # In a thread of its own: a child that hangs keeps whoever asks it waiting.
            threading.Thread(target=self._probe, args=(child,), name="probe", daemon=True).start()

    def _probe(self, child: Child) -> None:
        while not self._ending.wait(PROBE_SECONDS):
            child.probe()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        for child in self.children:
            child.end()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            if not child.wait(deadline - time.monotonic()):
                log.warning("child_killed", child=child.name)
            child.kill()
        os.close(self._writing)
        os.close(self._reading)

    def tend(self) -> None:
        """Start what is due. To be called every now and then."""
        for child in self.children:
            pid = child.pid
            if child.is_hung():
                log.error("child_hung", child=child.name, pid=pid)
                child.kill()
            elif child.has_died():
                metrics.forget(pid, self._environment.get(metrics.FOLDER))
                continue
            if child.is_due():
                child.start(self._environment, self._descriptors)
                log.info("child_started", child=child.name, pid=child.pid, starts=child.starts)
