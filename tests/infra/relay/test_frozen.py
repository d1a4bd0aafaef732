"""A worker that is suspended, as on a machine that is gone, holds nothing up for long.

Real workers on a real database, suspended by SIGSTOP: another takes over, and the one that wakes
up again does no harm.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from infra.database.connection import cursor
from infra.database.lease import leases
from infra.eventstore.store import log_size
from infra.log import tiles
from infra.log.integrity import log_findings
from infra.log.sealing import unsealed
from infra.relay.comparing import compare
from infra.relay.source import LogSource
from infra.relay.topics import DECISIONS
from projections.engine.positions import positions
from tests.infra.relay.reading import SOURCE, ids, read, wait_until
from tests.infra.test_worker import initiate

WORK = {"projections", "seal", "relay"}
TAKE_OVER = 60.0
"""Seconds at most, on a machine that is busy with other tests; measured were 6.2 to 6.6."""

pytestmark = pytest.mark.kafka


@pytest.fixture
def workers(database, cluster, kafka, tmp_path):
    """Starts `quartier worker`."""
    started = []

    def start():
        with (tmp_path / f"worker-{len(started)}.log").open("w") as told:
            process = subprocess.Popen(
                [sys.executable, "-m", "infra.cli.program", "worker"],
                env={
                    **os.environ,
                    "DATABASE_URL": database.url,
                    "KAFKA_BOOTSTRAP_SERVERS": kafka,
                    "KAFKA_TOPIC_PREFIX": cluster.prefix,
                    "QUARTIER_SOURCE": SOURCE,
                },
                stderr=told,
            )
        started.append(process)
        return process

    yield start
    for each in started:
        each.kill()
        each.wait(10)
    for each in sorted(tmp_path.glob("worker-*.log")):  # shown where the test fails
        print(each.name, each.read_text("utf-8")[-6000:], sep="\n")  # noqa: T201


def holders():
    """The process of each work that goes on."""
    return {
        each.name: int(each.holder.rpartition("/")[2]) for each in leases().values() if each.alive
    }


def everything_is_done(cluster):
    end = log_size()
    if not end or unsealed(cursor()) or len(ids(read(cluster, DECISIONS))) < end:
        return False
    return all(each.position == end for each in positions().values())


def assert_whole(database, cluster):
    assert log_findings(cursor()) == []
    with contextlib.closing(
        LogSource(lambda: psycopg.connect(database.url, autocommit=True))
    ) as log:
        assert wait_until(lambda: compare(cluster, log, SOURCE)).complete
    sizes = [each.size for each in tiles.checkpoints_after(cursor(), -1, 10_000)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("times", [2, pytest.param(40, marks=pytest.mark.torture)])
def test_another_worker_takes_over_from_one_that_is_suspended(database, cluster, workers, times):
    number = 0
    both = [workers(), workers()]
    wait_until(lambda: holders().keys() >= WORK, 60)
    for _ in range(times):
        for _ in range(random.randint(1, 8)):  # noqa: S311 - so that it may be at work
            initiate(f"essai-{(number := number + 1)}")
        suspended = next(each for each in both if each.pid in holders().values())
        os.kill(suspended.pid, signal.SIGSTOP)
        initiate(f"essai-{(number := number + 1)}")
        wait_until(lambda: everything_is_done(cluster), TAKE_OVER)
        assert suspended.pid not in holders().values()
        assert holders().keys() == WORK
        os.kill(suspended.pid, signal.SIGCONT)
        initiate(f"essai-{(number := number + 1)}")
        wait_until(lambda: everything_is_done(cluster), TAKE_OVER)
        assert len(set(holders().values())) <= 2
    assert_whole(database, cluster)


def in_transaction(database):
    """Sessions of workers that wait for their program in the midst of a transaction."""
    with psycopg.connect(database.url, autocommit=True) as admin:
        rows = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid IN"
            " (SELECT pid FROM pg_locks WHERE mode = 'RowExclusiveLock')"
            " AND state = 'idle in transaction'",
            [database.name],
        )
        return {pid for (pid,) in rows}


def test_rows_that_a_suspended_worker_has_locked_are_free_again(database, cluster, workers):
    first = workers()
    wait_until(lambda: holders().keys() >= WORK, 60)
    locked, number = set(), 0
    while not locked:
        initiate(f"essai-{(number := number + 1)}")
        deadline = time.monotonic() + 1
        while not in_transaction(database) and time.monotonic() < deadline:
            pass
        os.kill(first.pid, signal.SIGSTOP)
        time.sleep(0.1)  # what it had asked for is answered
        if not (locked := in_transaction(database)):
            os.kill(first.pid, signal.SIGCONT)
    workers()
    wait_until(lambda: everything_is_done(cluster), TAKE_OVER)
    os.kill(first.pid, signal.SIGCONT)
    initiate("essai")
    wait_until(lambda: everything_is_done(cluster), TAKE_OVER)
    assert_whole(database, cluster)


def test_a_worker_that_is_alone_and_suspended_is_told_by_its_silence(database, cluster, workers):
    worker = workers()
    wait_until(lambda: holders().keys() >= WORK, 60)
    os.kill(worker.pid, signal.SIGSTOP)
    wait_until(lambda: not holders(), TAKE_OVER)
    os.kill(worker.pid, signal.SIGCONT)
    wait_until(lambda: holders().keys() >= WORK, 60)
