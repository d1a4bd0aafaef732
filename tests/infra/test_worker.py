"""Background work goes on: past failures, past lost hints, until it is told to stop."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connections

from infra.database.connection import bound_transactions
from infra.eventstore.store import log_size
from infra.exchange.importing import import_file
from infra.operations import background, worker
from infra.operations.worker import Worker, in_steps
from infra.processes.supervisor import Child, Supervisor
from projections.catalogue import PROJECTIONS
from projections.engine.batch import Folding
from projections.engine.positions import positions


def initiate(contract):
    line = {
        "contract": contract,
        "decision": "contract-initiated",
        "decided_on": "2020-03-02",
        "data": {
            "ground": "city_initiative",
            "title": "Essai",
            "territory": "Un quartier",
            "justification": "Une raison.",
        },
    }
    report = import_file(io.BytesIO(json.dumps(line).encode()), now=datetime.now(UTC))
    assert not report.faulty


def until(holds, seconds=10):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextlib.contextmanager
def running(works):
    """A worker at work in a thread of the test's."""
    one = Worker(works)
    thread = threading.Thread(target=one.run)
    thread.start()
    try:
        yield one
    finally:
        one.stop()
        thread.join()


def test_read_models_follow_what_is_recorded(database):
    with running(background.projections()):
        for number in (1, 2, 3):
            initiate(f"essai-{number}")
            until(lambda: _reached() == log_size())
    assert log_size() == 3


def test_a_lost_hint_is_made_up_for_by_looking_again(database, monkeypatch):
    monkeypatch.setattr("infra.eventstore.subscription.CHANNEL", "nobody_notifies_here")
    with running(background.projections()):
        until(lambda: _reached() == 0)
        initiate("essai")
        until(lambda: _reached() == 1, 5)


def test_one_work_that_fails_is_tried_again_and_holds_up_no_other(database, monkeypatch):
    monkeypatch.setattr(worker, "FIRST_PAUSE", 0.01)
    tries = []

    def fails():
        tries.append(1)
        if len(tries) < 4:
            raise RuntimeError("not now")
        return False

    with running([in_steps("fails", fails), *background.projections()]):
        initiate("essai")
        until(lambda: len(tries) >= 4)
        until(lambda: _reached() == 1)


def test_read_models_whose_transaction_was_ended_go_on(database, monkeypatch):
    """They were suspended in the midst of it; it is no fault of any of them."""
    settings = connections.settings["default"]
    monkeypatch.setitem(settings, "OPTIONS", dict(settings["OPTIONS"]))
    bound_transactions(1)
    alarms, slept, real = [], [], Folding.load
    monkeypatch.setattr(background, "_alarm", alarms.append)
    monkeypatch.setattr(worker, "FIRST_PAUSE", 0.01)

    def load(self, views):
        real(self, views)
        if not slept:
            slept.append(1)
            time.sleep(2)

    monkeypatch.setattr(Folding, "load", load)
    initiate("essai")
    with running(background.projections()):
        until(lambda: _reached() == 1, 30)
    assert slept
    assert alarms == []


def test_a_step_that_hangs_does_not_keep_the_worker_from_stopping(monkeypatch):
    monkeypatch.setattr(worker, "STOP_SECONDS", 0.2)
    held = threading.Event()
    with running([in_steps("hangs", lambda: held.wait(30))]):
        began = time.monotonic()
    assert time.monotonic() - began < 2
    held.set()


def test_an_event_that_cannot_be_read_stops_no_read_model_that_need_not_be_made_anew(database):
    initiate("essai")
    with running(background.projections()):
        until(lambda: _reached() == 1)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE projection_position SET version = 0 WHERE name = 'roadmap'")
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_is_never_changed")
        connection.execute("UPDATE event SET schema = 9")
    initiate("autre")
    with running(background.projections()):
        until(lambda: positions()["overview"].position == 2)
    assert [each.name for each in background.outdated()] == ["roadmap"]
    assert positions()["roadmap"].position == 1, "as it was"


def test_read_models_of_an_older_program_are_made_anew(database):
    initiate("essai")
    with running(background.projections()):
        until(lambda: _reached() == 1)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE projection_position SET version = 0 WHERE name = 'roadmap'")
    assert [each.name for each in background.outdated()] == ["roadmap"]
    with running(background.projections()):
        until(lambda: not background.outdated())
    assert positions()["roadmap"].version == PROJECTIONS["roadmap"].version


def test_read_models_of_a_newer_program_are_left_alone(database):
    with running(background.projections()):
        until(lambda: _reached() == 0)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE projection_position SET version = 999 WHERE name = 'roadmap'")
    assert background.outdated() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_stops_when_it_is_told_to(database, number):
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.cli.program", "worker"],
        env={**os.environ, "DATABASE_URL": database.url, "LOG_FORMAT": "json"},
        stderr=subprocess.PIPE,
        text=True,
    )
    said = iter(process.stderr.readline, "")
    assert any("worker_started" in line for line in said)
    process.send_signal(number)
    assert process.wait(10) == 0
    assert "worker_stopped" in process.stderr.read()
    process.stderr.close()


def test_the_program_waits_for_a_database_that_is_not_there_yet():
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.cli.program", "worker"],
        env={
            **os.environ,
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "LOG_FORMAT": "json",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    said = iter(process.stderr.readline, "")
    assert any("work_failed" in line for line in said)
    assert process.poll() is None
    process.terminate()
    assert process.wait(10) == 0
    process.stderr.close()


# --- Children -----------------------------------------------------------------------------------

SLEEPS = (sys.executable, "-c", "import time; time.sleep(60)")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
)


def test_a_child_that_dies_is_started_again():
    with Supervisor(os.environ) as supervisor:
        child = Child("sleeps", SLEEPS)
        supervisor.add(child)
        first = child.pid
        os.kill(first, signal.SIGKILL)

        def is_back():
            supervisor.tend()
            return child.pid not in {None, first}

        until(is_back)
        assert child.starts == 2
    assert child.pid is None


def test_pauses_grow_while_a_child_keeps_dying():
    with Supervisor(os.environ) as supervisor:
        child = Child("dies", (sys.executable, "-c", "raise SystemExit(1)"))
        supervisor.add(child)
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            supervisor.tend()
            time.sleep(0.02)
        assert 2 <= child.starts <= 4


def test_a_child_that_does_not_listen_is_ended_all_the_same(monkeypatch):
    monkeypatch.setattr("infra.processes.supervisor.STOP_SECONDS", 0.5)
    with Supervisor(os.environ) as supervisor:
        child = Child("deaf", DEAF)
        supervisor.add(child)
        pid = child.pid
        time.sleep(0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _reached():
    found = {position.position for position in positions().values()}
    return found.pop() if len(found) == 1 else None
