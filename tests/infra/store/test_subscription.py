"""Whoever subscribes sees every event, whatever becomes of the connections."""

import threading
import time

import pytest
from django.db import connections

from infra.database.connection import dedicated
from infra.eventstore import subscription
from infra.eventstore.store import Quartier
from infra.eventstore.subscription import EventSubscription, Listener
from tests.infra.store.acts import begin, choose

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'LISTEN%%'"
)


class Following:
    """A subscription in a thread of its own."""

    def __init__(self, recorder, **options):
        self.subscription = EventSubscription(recorder, **options)
        self.seen = []
        self.thread = threading.Thread(target=self._follow)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.subscription.stop()
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()

    def _follow(self):
        try:
            with self.subscription:
                self.seen.extend(event.id for event in self.subscription)
        finally:
            connections.close_all()

    def sees(self, *positions, seconds=10):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.seen == list(positions):
                return True
            time.sleep(0.01)
        return False


@pytest.fixture
def recorder():
    with Quartier() as application:
        yield application.recorder


def wait_for_listener(owner):
    for _ in range(500):
        query = CUT.replace("pg_terminate_backend(pid)", "pid")
        if owner.execute(query).fetchone():
            return
        time.sleep(0.01)
    pytest.fail("nobody listens")


def test_what_there_is_comes_first_and_then_what_is_recorded(recorder):
    begin()
    with Following(recorder) as following:
        assert following.sees(1)
        choose()
        assert following.sees(1, 2)
        choose()
        assert following.sees(1, 2, 3)


def test_it_goes_on_after_a_position(recorder):
    begin()
    choose()
    with Following(recorder, gt=1) as following:
        assert following.sees(2)


def test_the_library_gives_ours(recorder):
    begin()
    with recorder.subscribe(gt=0) as ours:
        assert next(ours).id == 1


def test_the_position_advances_past_what_is_not_wanted(recorder):
    begin()
    with Following(recorder, topics=["contract-suspended"]) as following:
        choose()
        until = time.monotonic() + 10
        while following.subscription.position < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert following.subscription.position == 2
        assert following.seen == []


def test_a_notification_is_quicker_than_the_poll(recorder, owner, monkeypatch):
    monkeypatch.setattr(subscription, "POLL_SECONDS", 5.0)
    begin()
    with Following(recorder) as following:
        assert following.sees(1)
        wait_for_listener(owner)
        began = time.monotonic()
        choose()
        assert following.sees(1, 2)
        assert time.monotonic() - began < 2
        following.subscription.stop()
        choose()  # wakes it up


def test_a_listen_connection_that_is_cut_is_made_again(recorder, owner):
    begin()
    with Following(recorder) as following:
        assert following.sees(1)
        for position in (2, 3, 4):
            wait_for_listener(owner)
            owner.execute(CUT)
            choose()
            assert following.sees(*range(1, position + 1))
        wait_for_listener(owner)


def test_all_connections_cut_at_once_lose_nothing(recorder, owner):
    begin()
    with Following(recorder) as following:
        assert following.sees(1)
        connections.close_all()
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        choose()
        assert following.sees(1, 2)


def test_without_any_notification_the_poll_finds_it(recorder, monkeypatch):
    monkeypatch.setattr(Listener, "wait", lambda _, seconds: time.sleep(seconds))
    begin()
    with Following(recorder) as following:
        assert following.sees(1)
        choose()
        assert following.sees(1, 2)


def test_a_listener_tells_news_from_silence():
    with Listener() as listener:
        assert listener.wait(0.1)  # it has only just begun to listen
        assert not listener.wait(0.1)
        begin()
        assert listener.wait(5)


def test_a_listener_that_cannot_connect_tries_again():
    attempts = []

    def connect():
        attempts.append(1)
        if len(attempts) < 3:
            import psycopg  # noqa: PLC0415

            raise psycopg.OperationalError("the server is starting")
        return dedicated()

    with Listener(connect) as listener:
        assert [listener.wait(0.01) for _ in range(3)] == [True, True, True]
        begin()
        assert listener.wait(5)
