"""Whatever fails, and whenever: each funding event once, in order, and the ledger in finance.

Each fault comes a few times here; `make torture` has it come often.
"""

import contextlib
import datetime as dt
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from infra.embedded import embedded_postgres
from infra.finance.digest import GENEVA, landed_day, recorded_day
from infra.finance.follow import Follower
from infra.finance.reconcile import compare
from infra.relay import publisher, topics
from infra.relay.positions import last_place
from infra.relay.resuming import PositionLost
from infra.relay.topics import FUNDING, POSITIONS
from tests.conftest import _as_url, _default_database
from tests.infra.relay.checks import assert_complete, assert_is_the_ledger, rows
from tests.infra.relay.own_kafka import OwnKafka
from tests.infra.relay.processes import (
    filling,
    kill,
    kill_again_and_again,
    start_follower,
    start_relay,
)
from tests.infra.relay.reading import SOURCE, ids, read, relaying, wait_until
from tests.infra.relay.story import Log

pytestmark = pytest.mark.kafka


OUTAGE_PAUSE = 0.5
"""What is recorded during an outage of minutes shall not take as long to catch up with."""


def often(short, long):
    """A parameter: how many times in the suite, and how many under torture."""
    return pytest.mark.parametrize("times", [short, pytest.param(long, marks=pytest.mark.torture)])


def place_of(cluster):
    """Where the relay is; None while Kafka does not say."""
    with contextlib.suppress(Exception):
        return last_place(cluster, SOURCE)


def catch_up(log, cluster, seconds=120):
    """Wait until everything is published."""
    size = log.size()
    wait_until(lambda: (place := place_of(cluster)) and place.position >= size, seconds)


def assert_nothing_lost(log, cluster, finance):
    """Kafka holds every event once, and the finance database is equal to the ledger."""
    assert_complete(log, cluster)
    Follower(cluster, lambda: psycopg.connect(finance)).run(threading.Event(), once=True)
    assert_is_the_ledger(finance, log)
    ours = ids(read(cluster, FUNDING))
    assert len(ours) == len(set(ours))
    assert rows(finance, "SELECT count(*) FROM quartier.funding_event") == [(len(ours),)]
    with psycopg.connect(finance) as connection:
        date = dt.datetime.now(GENEVA).date()
        for day in (date - dt.timedelta(days=1), date):
            assert compare(recorded_day(day), landed_day(connection, day)).difference is None


# --- The relay ----------------------------------------------------------------------------------


@often(4, 50)
def test_a_relay_that_is_killed_at_random_moments(log, cluster, finance, times):
    with filling(log):
        last = kill_again_and_again(lambda: start_relay(log, cluster), times)
    catch_up(log, cluster)
    kill(last)
    assert_nothing_lost(log, cluster, finance)


@often(2, 20)
def test_relays_that_fence_one_another(log, cluster, finance, times):
    """Without the lock that spares them from it: three are started at once, again and again."""
    with filling(log):
        for _ in range(times):
            together = [start_relay(log, cluster, claims=False) for _ in range(3)]
            time.sleep(2)
            for each in together:
                kill(each)
    last = start_relay(log, cluster)
    catch_up(log, cluster)
    kill(last)
    assert_nothing_lost(log, cluster, finance)


def test_relays_that_are_started_at_once(log, cluster, finance):
    with filling(log):
        together = [start_relay(log, cluster) for _ in range(2)]
        time.sleep(2)
        kill(together[0])
        time.sleep(2)
    catch_up(log, cluster)
    kill(together[1])
    assert_nothing_lost(log, cluster, finance)


# --- The broker ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory):
    broker = OwnKafka(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.close()


@pytest.fixture
def own(own_kafka, cluster):
    """Topics of the test's own on a broker of our own."""
    return own_kafka.cluster(cluster.prefix)


@pytest.mark.parametrize("away", [2, pytest.param(60, marks=pytest.mark.torture)])
def test_a_broker_that_is_stopped_for_a_while(log, own, own_kafka, finance, away):
    with filling(log, pause=OUTAGE_PAUSE):
        relay = start_relay(log, own)
        time.sleep(2)
        own_kafka.stop()
        time.sleep(away)
        own_kafka.start()
        time.sleep(1)
    catch_up(log, own)
    kill(relay)
    assert_nothing_lost(log, own, finance)


@often(1, 10)
def test_a_broker_that_is_killed(log, own, own_kafka, finance, times):
    with filling(log, pause=OUTAGE_PAUSE):
        relay = start_relay(log, own)
        for _ in range(times):
            time.sleep(2)
            own_kafka.kill()
            own_kafka.start()
        time.sleep(1)
    catch_up(log, own)
    kill(relay)
    assert_nothing_lost(log, own, finance)


@often(2, 20)
def test_answers_to_the_end_of_a_transaction_that_are_swallowed(
    log, own, own_kafka, finance, monkeypatch, times
):
    """It was committed, and the relay is never told: only Kafka knows."""
    monkeypatch.setattr("infra.relay.publisher.ANSWER_SECONDS", 1.0)
    proxied = own_kafka.cluster(own.prefix, proxied=True)
    before = own_kafka.proxy.swallowed
    with filling(log), relaying(log, proxied) as running:
        for number in range(1, times + 1):
            come_to = running.relay._place.position
            wait_until(lambda at=come_to: running.has_come_to(at + 1))
            own_kafka.proxy.swallow(1)
            wait_until(lambda n=number: own_kafka.proxy.swallowed >= before + n)
    with relaying(log, proxied) as running:
        wait_until(lambda: running.has_come_to(log.size()), 60)
    assert running.error is None
    assert_nothing_lost(log, own, finance)


# --- PostgreSQL ---------------------------------------------------------------------------------


@pytest.fixture
def own_postgres(django_db_blocker):
    """A PostgreSQL of the test's own, migrated, with Django's connection to it."""
    folder = Path(tempfile.mkdtemp(prefix="quartier-faults-"))
    folder.chmod(0o711)  # its server may run as a user of its own
    server = embedded_postgres.start(folder)
    try:
        url = _as_url(server.create("quartier"))
        with django_db_blocker.unblock(), _default_database(url):
            from django.core.management import call_command  # noqa: PLC0415 - needs settings

            call_command("migrate", verbosity=0)
            yield server, url
    finally:
        server.stop()
        for gone in {folder, server.place.home, server.place.socket}:
            shutil.rmtree(gone, ignore_errors=True)


@often(1, 10)
def test_a_postgresql_that_is_restarted_immediately(own_postgres, cluster, finance, times):
    server, url = own_postgres
    log = Log(url)
    with filling(log):
        relay = start_relay(log, cluster)
        for _ in range(times):
            time.sleep(2)
            os.kill(server.place.server_pid(), signal.SIGQUIT)
            wait_until(lambda: server.tend() or answers(url))
        time.sleep(1)
    catch_up(log, cluster)
    kill(relay)
    assert_nothing_lost(log, cluster, finance)
    log.close()


def answers(url):
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


# --- The position -------------------------------------------------------------------------------


def test_a_position_topic_that_is_deleted_under_a_running_relay(log, cluster, finance, monkeypatch):
    """It says so and stops rather than doubling."""
    monkeypatch.setattr("infra.relay.publisher.ANSWER_SECONDS", 5.0)
    monkeypatch.setitem(publisher.PRODUCER, "message.timeout.ms", 3000)
    topics.ensure(cluster)
    with relaying(log, cluster) as running:
        with filling(log):
            wait_until(lambda: running.has_come_to(50))
            admin = AdminClient(dict(cluster.settings))
            name = cluster.named(POSITIONS)
            admin.delete_topics([name])[name].result(15)
            wait_until(lambda: running.error, 90)
        assert isinstance(running.error, PositionLost)
    published = ids(read(cluster, FUNDING))
    assert len(published) == len(set(published))


# --- The consumer -------------------------------------------------------------------------------


@often(4, 50)
def test_a_follower_that_is_killed_at_random_moments(log, cluster, finance, times):
    topics.ensure(cluster)
    with filling(log), relaying(log, cluster) as running:
        last = kill_again_and_again(lambda: start_follower(finance, cluster), times)
        time.sleep(1)
        kill(last)
    assert running.error is None
    with relaying(log, cluster) as running:
        wait_until(lambda: running.has_come_to(log.size()))
    assert_nothing_lost(log, cluster, finance)
