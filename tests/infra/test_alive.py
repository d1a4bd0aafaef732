"""The question a container asks about its own web service."""

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[2]


class OnlyByItsOwnName(BaseHTTPRequestHandler):
    def do_GET(self):
        alive = self.path == "/health/live" and self.headers["Host"] == "quartier.example"
        self.send_response(200 if alive else 400)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def port():
    with HTTPServer(("127.0.0.1", 0), OnlyByItsOwnName) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def status(port, hosts):
    environment = os.environ | {"PORT": str(port), "ALLOWED_HOSTS": hosts}
    command = [sys.executable, "-m", "infra.web.alive"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def test_a_service_is_asked_by_its_own_name(port):
    assert status(port, "quartier.example,other.example") == 0
    assert status(port, ".quartier.example") == 0
    assert status(port, "another.example") == 1


def test_a_service_that_is_not_there_is_not_alive():
    assert status(9, "quartier.example") == 1
