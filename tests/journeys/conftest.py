"""`quartier up` as somebody runs it: a program of its own, in a folder of its own."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READY_SECONDS = 90
"""Generous: two cores shared with other tests."""


class Up:
    """One run of `quartier up`."""

    def __init__(self, home, port, **environment):
        self.home = home
        self.port = port
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "QUARTIER_ENV", "LOG_FORMAT", "DJANGO_SETTINGS_MODULE"}
        } | {"QUARTIER_HOME": str(home), "PORT": str(port), "LOG_FORMAT": "json", **environment}
        self.output = home.parent / "up.out"
        self.errors = home.parent / "up.err"
        self.process = None

    def start(self):
        """Start it without a terminal."""
        with self.output.open("wb") as output, self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "up"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=ROOT,
            )
        return self

    def until_ready(self):
        """Wait for the line `ready`; how many seconds it took."""
        began = time.monotonic()
        until(lambda: "ready" in self.lines() or self.process.poll() is not None, READY_SECONDS)
        assert self.lines()[-1] == "ready", self.said()
        return time.monotonic() - began

    def lines(self):
        return self.output.read_text("utf-8").splitlines()

    def said(self):
        return f"{self.output.read_text('utf-8')}\n{self.errors.read_text('utf-8')[-8000:]}"

    @property
    def tokens(self):
        """The tokens that were printed, by account."""
        return dict(
            re.findall(r"^  (\w+) +([\w-]{43})$", self.output.read_text("utf-8"), re.MULTILINE)
        )

    def stop(self, number=signal.SIGTERM):
        """Tell it to stop; how many seconds it took, and its exit status."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(20)
        return time.monotonic() - began, status

    def kill(self):
        """End it as the kernel would for want of memory."""
        self.process.kill()
        self.process.wait()

    def children(self):
        """The processes below it, with their command lines."""
        return {pid: command for pid in _below(self.process.pid) if (command := _command(pid))}

    def child(self, *words):
        """Its own child whose command line has all these words; None if there is none now."""
        own = {pid: _command(pid) for pid in _children(self.process.pid)}
        return next((p for p, c in own.items() if all(word in c for word in words)), None)

    def ask(self, method, path, body=None, account="coordinator", **headers):
        """Status and content of an answer: JSON, or text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={
                    "Authorization": f"Bearer {self.tokens[account]}",
                    "Content-Type": "application/json",
                    **headers,
                },
            )
            response = connection.getresponse()
            content = response.read().decode()
            if "json" in response.headers["Content-Type"]:
                return response.status, json.loads(content)
            return response.status, content
        finally:
            connection.close()

    def is_ready(self):
        try:
            return self.ask("GET", "/health/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False


def until(holds, seconds=30):
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _children(pid):
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return list(map(int, children))


def _below(pid):
    for child in _children(pid):
        yield child
        yield from _below(child)


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.fixture(scope="module")
def folder():
    """A folder that the embedded server's user can reach."""
    with tempfile.TemporaryDirectory(prefix="quartier-up-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def up(folder):
    """A run that is ready; started again by the tests that end it, and ended at last."""
    run = Up(folder / "home", free_port()).start()
    run.until_ready()
    yield run
    if run.process.poll() is None:
        run.stop()
