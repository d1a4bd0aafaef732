"""Relays and followers as processes of their own, to be killed; and a log that fills meanwhile."""

import multiprocessing
import random
import threading
import time
from contextlib import contextmanager

import psycopg

from infra.broker.kafka_client import Cluster
from infra.finance.follow import Follower
from infra.relay.relay import Relay
from infra.relay.source import LogSource
from tests.infra.relay.reading import SOURCE
from tests.infra.relay.story import annulled, budgeted, committed, proposed, released, spent

# Forked from a process that has imported everything: a start takes milliseconds.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.infra.relay.processes"])


class Unclaimed(LogSource):
    """A log whose lease nobody asks for: only fencing keeps its relays apart."""

    def claim(self):
        return True

    def holds(self):
        return True


def run_relay(url, settings, prefix, claims):
    source = LogSource if claims else Unclaimed
    connect = source(lambda: psycopg.connect(url, autocommit=True))
    Relay(connect, Cluster(settings, prefix), SOURCE).run(threading.Event())


def run_follower(dsn, settings, prefix):
    follower = Follower(Cluster(settings, prefix), lambda: psycopg.connect(dsn))
    follower.run(threading.Event())


def start_relay(log, cluster, *, claims=True):
    return _start(run_relay, log.url, dict(cluster.settings), cluster.prefix, claims)


def start_follower(dsn, cluster):
    return _start(run_follower, dsn, dict(cluster.settings), cluster.prefix)


def _start(target, *arguments):
    process = _context.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def kill(process):
    """With SIGKILL: it gets to do nothing more."""
    process.kill()
    process.join(10)
    assert not process.is_alive()


def kill_again_and_again(start, times, longest=1.0):
    """Start a process and kill it at a random moment, so many times; at last leave one running."""
    for _ in range(times):
        process = start()
        time.sleep(random.uniform(0.05, longest))  # noqa: S311 - any moment
        kill(process)
    return start()


@contextmanager
def filling(log, contracts=4, pause=0.05):
    """Record stories with money in them from several threads, until the block ends."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=_fill, args=[log, f"load-{number}", stop, pause])
        for number in range(contracts)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def _fill(log, contract, stop, pause):
    log.persist(contract, proposed("bancs"), budgeted("bancs", "900000.00"))
    number = 0
    while not stop.is_set():
        number += 1
        log.persist(contract, committed("bancs", "10.00", f"C {number}"))
        position = log.persist(contract, spent("bancs", "4.00", f"F {number}"))
        log.persist(contract, released("bancs", "1.00", f"L {number}"))
        if number % 40 == 0:
            log.persist(contract, annulled(position))
        stop.wait(pause)
