"""The service as it runs, with two processes, reached over HTTP."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60
PROCESSES = 2


@dataclass
class Served:
    """A running service."""

    port: int
    log: Path
    process: subprocess.Popen

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path, query=(), timeout=30, **headers):
        """Begin to read an answer; the connection is closed with it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.request("GET", f"{path}?{urlencode(query)}", headers=headers)
        answer = connection.getresponse()
        answer.connection = connection
        return answer

    def stop(self):
        """Tell it to stop; how many seconds it took."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(20)
        return time.monotonic() - began


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def served(folder, *options, processes=PROCESSES, port=None, **environment):
    """`quartier web` on the test's own database, until the end of the block."""
    port = port or free_port()
    log = folder / "web.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "web", "--port", str(port), *options],
            cwd=ROOT,
            env={
                **os.environ,
                "WEB_CONCURRENCY": str(processes),
                "LOG_FORMAT": "json",
                "QUARTIER_HOME": str(folder),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    service = Served(port, log, process)
    try:
        _until_ready(service)
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()


def _until_ready(service):
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if service.ask("/health/ready").status == 200:
                return
        said = service.log.read_text("utf-8")[-4000:]
        assert service.process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
