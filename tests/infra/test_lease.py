"""A lease is held by one process at a time, and taken over when that one is gone or silent."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from django.db import connections

from infra.database import lease as leases_module
from infra.database.connection import bound_transactions, cursor, dedicated
from infra.database.lease import Lease, LeaseLost, leases
from infra.processes import metrics
from tests.infra.relay.reading import wait_until

TAKE_OVER = 10.0
"""Seconds within which work goes on elsewhere."""


@pytest.fixture
def lease(database):
    made = []

    def make(name="work"):
        made.append(Lease(name))
        return made[-1]

    yield make
    for each in made:
        each.release()


def hold(url, held):
    own = Lease("work", lambda: psycopg.connect(url, autocommit=True))
    while not own.take():
        time.sleep(0.1)
    held.set()
    while True:
        time.sleep(1)


@contextlib.contextmanager
def another(url):
    """A process that holds the lease."""
    context = multiprocessing.get_context("forkserver")
    held = context.Event()
    process = context.Process(target=hold, args=[url, held], daemon=True)
    process.start()
    assert held.wait(20)
    try:
        yield process
    finally:
        process.kill()
        process.join(10)


def test_one_holds_it_and_the_next_takes_it_when_it_is_released(lease):
    first, second = lease(), lease()
    assert first.take()
    assert not second.take()
    first.release()
    wait_until(second.take)
    assert second.token > 1
    assert not first.holds


def test_it_is_renewed_for_as_long_as_it_is_held(lease, monkeypatch):
    monkeypatch.setattr(leases_module, "LEASE_SECONDS", 0.6)
    monkeypatch.setattr(leases_module, "RENEW_SECONDS", 0.1)
    first, second = lease(), lease()
    first.take()
    token = first.token
    for _ in range(6):
        time.sleep(0.2)
        assert not second.take()
    assert first.token == token


def test_a_holder_that_was_killed_is_followed_at_once(database, lease):
    with another(database.url) as process:
        own = lease()
        assert not own.take()
        process.kill()
        process.join(10)
        wait_until(own.take, TAKE_OVER)


def test_a_holder_that_is_suspended_is_followed_and_learns_of_it(database, lease):
    with another(database.url) as process:
        own = lease()
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(own.take, TAKE_OVER)
        os.kill(process.pid, signal.SIGCONT)
        for _ in range(4):
            time.sleep(1)
            assert own.take()


def test_a_holder_that_was_overtaken_may_do_nothing_more(lease):
    first, second = lease(), lease()
    assert first.take()
    with dedicated() as connection, connection.transaction(), connection.cursor() as cur:
        first.demand(cur)
        expire("work")
        assert not second.take(), "whoever has demanded it keeps it to the end of its transaction"
    wait_until(lambda: expire("work") or second.take())
    with pytest.raises(LeaseLost), dedicated() as connection, connection.transaction():
        first.demand(connection.cursor())
    with dedicated() as connection, connection.transaction():
        second.demand(connection.cursor())


def expire(name):
    """As if its holder had been silent; waits for none that has the row."""
    with contextlib.suppress(psycopg.errors.LockNotAvailable), dedicated() as connection:
        connection.execute("SET lock_timeout = '100ms'")
        connection.execute("UPDATE lease SET expires_at = '-infinity' WHERE name = %s", [name])


def test_a_lost_connection_costs_no_lease(database, lease, monkeypatch):
    monkeypatch.setattr(leases_module, "RENEW_SECONDS", 0.1)
    own = lease()
    own.take()
    token = own.token
    with psycopg.connect(database.url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(backend) FROM lease")
        before = admin.execute("SELECT backend FROM lease").fetchone()
        wait_until(lambda: admin.execute("SELECT backend FROM lease").fetchone() != before)
    assert own.holds
    assert own.token == token


def test_it_is_seen_who_holds_it_and_why_work_waits(lease):
    own = lease()
    assert leases() == {}
    own.take()
    held = leases()["work"]
    assert (held.alive, held.note) == (True, None)
    assert held.holder.endswith(f"/{os.getpid()}")
    own.say("waits for something")
    own.release()
    held = leases()["work"]
    assert (held.alive, held.note) == (False, "waits for something")
    cursor().execute("SELECT 1")  # the connection is as it was


def test_many_threads_never_hold_it_together(database, lease):
    own = [lease() for _ in range(6)]
    wins = []
    threads = [threading.Thread(target=lambda each=each: wins.append(each.take())) for each in own]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(wins) == [False] * 5 + [True]


# --- Transactions, and figures --------------------------------------------------------------------


def test_a_transaction_that_waits_for_its_program_is_ended(database, monkeypatch):
    """As of a process that is suspended: what it has locked is free again."""
    settings = connections.settings["default"]
    monkeypatch.setitem(settings, "OPTIONS", dict(settings["OPTIONS"]))
    bound_transactions(1)
    cursor().execute("INSERT INTO lease VALUES ('work', 1, 'x', NULL, now(), now())")
    with contextlib.closing(dedicated()) as suspended, dedicated() as other:
        suspended.execute("BEGIN")
        suspended.execute("SELECT FROM lease FOR UPDATE")
        other.execute("SET lock_timeout = '20s'")
        other.execute("UPDATE lease SET token = 2")
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            suspended.execute("COMMIT")


def test_a_pipeline_that_waits_for_its_program_is_ended_too(database, monkeypatch):
    """PostgreSQL does not take it for idle."""
    settings = connections.settings["default"]
    monkeypatch.setitem(settings, "OPTIONS", dict(settings["OPTIONS"]))
    monkeypatch.setattr("infra.database.connection.TRANSACTION_SECONDS", 2)
    bound_transactions(1)
    cursor().execute("INSERT INTO lease VALUES ('work', 1, 'x', NULL, now(), now())")
    with contextlib.closing(dedicated()) as suspended, dedicated() as other:
        suspended.execute("BEGIN")
        suspended.pgconn.enter_pipeline_mode()
        suspended.pgconn.send_query_params(b"SELECT FROM lease FOR UPDATE", None)
        suspended.pgconn.send_flush_request()
        suspended.pgconn.flush()
        time.sleep(0.3)
        other.execute("SET lock_timeout = '20s'")
        other.execute("UPDATE lease SET token = 2")


def test_every_process_has_such_a_bound(database):
    (bound,) = cursor().execute("SHOW idle_in_transaction_session_timeout").fetchone()
    assert bound == "30s"


GAUGE = "from infra.relay import metrics; metrics.active.set(1); metrics.events.inc()"


def test_gauges_of_a_process_that_died_are_told_no_more(tmp_path, monkeypatch):
    monkeypatch.setenv(metrics.FOLDER, str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", GAUGE])
    assert process.wait(30) == 0

    def told(name):
        return metrics.registry().get_sample_value(name)

    assert told("quartier_relay_active") == 1.0
    metrics.forget(process.pid, str(tmp_path))
    assert told("quartier_relay_active") is None
    assert told("quartier_relay_events_total") == 1.0, "what was done stays done"
