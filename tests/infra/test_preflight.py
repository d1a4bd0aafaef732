"""Before `quartier up` starts anything: one run at a time, and no wait for what is long gone."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.conf import environment
from infra.operations import preflight
from infra.operations.preflight import CannotStart, alone, demand_free, demand_secrets


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "HOME", tmp_path / "home")
    return tmp_path / "home"


RUN = """
import subprocess, sys, time
from infra.conf import environment
from infra.operations import preflight
from pathlib import Path
environment.HOME = Path(sys.argv[1])
with preflight.alone() as (lock, after_kill):
    child = [sys.executable, "-c", f"import time; time.sleep({sys.argv[2]})"]
    subprocess.Popen(child, pass_fds=[lock], stdout=subprocess.DEVNULL, start_new_session=True)
    print("running", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def another(home):
    """Starts another run, with a child that lives for so many seconds."""
    started = []

    def start(seconds):
        command = [sys.executable, "-c", RUN, str(home), str(seconds)]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(run)
        assert run.stdout.readline() == "running\n"
        return run

    yield start
    for each in started:
        each.kill()
        each.wait()
        each.stdout.close()


def test_a_second_run_is_refused_at_once(another):
    another(0)
    with pytest.raises(CannotStart, match="running already"), alone():
        pass


def test_a_killed_run_that_nobody_has_asked_for_is_no_hindrance(another):
    """Its process id is there until its parent asks, and its children until they notice."""
    run = another(2)
    os.kill(run.pid, signal.SIGKILL)
    until_zombie(run.pid)
    with alone() as (_, after_kill):
        assert after_kill
    assert run.returncode is None, "it was not asked for"
    with alone() as (_, after_kill):
        assert not after_kill


def until_zombie(pid):
    deadline = time.monotonic() + 10
    status = Path(f"/proc/{pid}/stat")
    while status.read_text("ascii").rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_children_that_do_not_end_are_said(another, monkeypatch):
    monkeypatch.setattr(preflight, "LEFT_SECONDS", 0.5)
    run = another(60)
    run.kill()
    run.wait()
    with pytest.raises(CannotStart, match="does not end"), alone():
        pass


def test_a_port_is_waited_for_after_a_kill_and_otherwise_refused(monkeypatch):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    with pytest.raises(CannotStart, match=f"Port {port} cannot be used"):
        demand_free("127.0.0.1", port, after_kill=False)
    monkeypatch.setattr(preflight.time, "sleep", lambda _: taken.close())
    demand_free("127.0.0.1", port, after_kill=True)


@pytest.mark.parametrize("brokers", ["", "kafka:9092"])
def test_a_secret_that_cannot_be_read_is_said_before_anything_is_started(
    monkeypatch, tmp_path, brokers
):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", brokers)
    demand_secrets()
    monkeypatch.setenv("KAFKA_SASL_PASSWORD_FILE", str(tmp_path / "absent"))
    with pytest.raises(CannotStart, match=r"KAFKA_SASL_PASSWORD_FILE: .* cannot be read") as said:
        demand_secrets()
    assert said.value.used_wrongly
