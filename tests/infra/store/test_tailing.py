"""Whoever follows the log misses nothing, whatever is written meanwhile."""

import threading
import time
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.db import connections
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from infra.eventstore.store import events_after, log_size
from tests.infra.store.acts import begin, choose, in_threads

OURS = """
    SELECT append(json_build_array(json_build_object(
        'contract', %(contract)s::text, 'version', 1, 'type', 'contract-suspended', 'schema', 1,
        'body', 'administrative_council', 'decided_on', '2014-03-01', 'recorded_by', 'test',
        'payload', '{}'::json
    )), NULL, NULL)
"""
OURS_AFTER = "SELECT position FROM event WHERE position > %s ORDER BY position"

STOCK = """
    SELECT es_insert_events_text(ARRAY[ROW(%(contract)s, 1, 'suspended', '')]::stored_event_text[])
"""
STOCK_AFTER = (
    "SELECT notification_id FROM stored_events WHERE notification_id > %s ORDER BY notification_id"
)


class Tail:
    """A reader that goes on from the last position it has seen."""

    def __init__(self, connection, after):
        self.connection = connection
        self.after = after
        self.seen = []

    def read(self):
        for (position,) in self.connection.execute(self.after, [max(self.seen, default=0)]):
            self.seen.append(position)


def interleave(url, append, after):
    """One append begins, another overtakes it if it can, and a reader reads in between."""
    with (
        psycopg.connect(url) as slow,
        psycopg.connect(url, autocommit=True) as quick,
        psycopg.connect(url, autocommit=True) as reading,
    ):
        tail = Tail(reading, after)
        slow.execute(append, {"contract": "slow"})
        overtaking = threading.Thread(
            target=quick.execute, args=(append, {"contract": "quick"}), daemon=True
        )
        overtaking.start()
        _wait_until_done_or_blocked(overtaking, quick, reading)
        tail.read()
        slow.commit()
        overtaking.join(timeout=10)
        assert not overtaking.is_alive()
        tail.read()
        return tail.seen


def _wait_until_done_or_blocked(thread, connection, observer):
    blocked = "SELECT cardinality(pg_blocking_pids(%s))"
    while thread.is_alive():
        (count,) = observer.execute(blocked, [connection.info.backend_pid]).fetchone()
        if count:
            return
        time.sleep(0.01)


def test_an_append_cannot_overtake_another(database):
    assert interleave(database.url, OURS, OURS_AFTER) == [1, 2]


def test_the_same_reader_misses_an_event_of_the_stock_function(database):
    """The library's function without the lock: this is what the test above can catch."""
    parts = urlsplit(database.url)
    datastore = PostgresDatastore(
        dbname=parts.path.lstrip("/"),
        host=parse_qs(parts.query)["host"][0],
        port=parse_qs(parts.query).get("port", [5432])[0],
        user=parts.username,
        password=parts.password or "-",
        originator_id_type="text",
        enable_db_functions=True,
    )
    with datastore:
        PostgresApplicationRecorder(datastore).create_table()
    assert interleave(database.url, STOCK, STOCK_AFTER) == [2]


@pytest.mark.parametrize("count", [1, 16], ids=["one contract", "many contracts"])
def test_sixteen_writers_lose_nothing_and_a_reader_meanwhile_misses_nothing(count):
    writers, each = 16, 12
    names = [f"contract-{number}" for number in range(count)]
    for name in names:
        begin(name)
    seen, stop = [], threading.Event()

    def follow():
        try:
            while True:
                last = stop.is_set()
                found = list(events_after(seen[-1].position if seen else 0, 7))
                seen.extend(found)
                if last and not found:
                    return
        finally:
            connections.close_all()

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        answers = in_threads(
            writers,
            lambda number: [
                choose(names[number % count], f"Option {number}-{turn}").recorded
                for turn in range(each)
            ],
        )
    finally:
        stop.set()
        reader.join(timeout=60)

    recorded = [one for answer in answers for one in answer]
    total = count + writers * each
    assert log_size() == total
    assert [one.position for one in seen] == list(range(1, total + 1))
    assert sorted(one.position for one in recorded) == list(range(count + 1, total + 1))
    assert {one.position: one for one in seen}.items() >= {
        one.position: one for one in recorded
    }.items()
    assert len({one.decision.subject for one in recorded}) == writers * each
    for name in names:
        versions = [one.version for one in seen if one.contract == name]
        assert versions == list(range(1, len(versions) + 1))
    assert [one.recorded_at for one in seen] == sorted(one.recorded_at for one in seen)
