"""The feed as Server-Sent Events: what is said, to whom, and for how long."""

import itertools
import time
from http import HTTPStatus

import pytest

from api.resources import stream
from infra.eventstore.shared_subscription import KEPT, TAIL
from infra.relay.accounts import MONEY
from tests.api.conftest import each, problem
from tests.api.reading import Reader
from tests.infra.relay.story import Log, committed, proposed, spent

FEED = "/api/v1/events"
ACCEPT = {"Accept": "text/event-stream"}


@pytest.fixture(autouse=True)
def at_rest(database):
    """The tail has a thread of its own, on the database of the test that it began in."""
    yield
    until(lambda: TAIL._thread is None)
    assert stream.STREAMS_HERE.taken == 0


@pytest.fixture
def log(database):
    log = Log(database.url)
    yield log
    log.close()


@pytest.fixture
def quickly(monkeypatch):
    monkeypatch.setattr("api.resources.stream.HEARTBEAT_SECONDS", 0.1)


def until(holds, seconds=10):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def some(log, committed_before_last=3):
    """A few events; the last one is of another type than those before."""
    log.record("paquis", proposed("bancs"))
    for number in range(committed_before_last):
        log.record("paquis", committed("bancs", "1.00", f"C {number}"))
    return log.record("paquis", spent("bancs", "1.00"))


class Following:
    """A stream that is open, as a reader has it."""

    def __init__(self, asking, query=None, **headers):
        self.answer = asking.get(FEED, query or {}, **ACCEPT, **headers)
        self.reader = Reader()
        self.said = []

    def __enter__(self):
        assert self.answer.status_code == HTTPStatus.OK, self.answer.content
        self.chunks = iter(self.answer.streaming_content)
        return self

    def __exit__(self, *_):
        self.answer.close()

    def until(self, holds):
        """Read on until something holds of the reader."""
        deadline = time.monotonic() + 10
        while not holds(self.reader):
            assert time.monotonic() < deadline, self.said
            self.said.append(next(self.chunks))
            self.reader.read(self.said[-1])
        return self.reader

    def rest(self):
        for chunk in self.chunks:
            self.said.append(chunk)
            self.reader.read(chunk)
        return self.reader


def test_what_was_recorded_comes_first_and_then_what_is(log, anybody):
    end = some(log)
    with Following(anybody) as following:
        assert following.answer["Content-Type"] == "text/event-stream"
        assert following.answer["Cache-Control"] == "no-cache"
        assert following.answer["X-Accel-Buffering"] == "no"
        reader = following.until(lambda reader: reader.last_id == end)
        assert reader.retry == stream.RETRY_MILLISECONDS
        assert [event["position"] for event in reader.events] == list(range(1, end + 1))
        assert reader.events == anybody.get(FEED).json()["results"]
        log.record("paquis", committed("bancs", "2.00"))
        following.until(lambda reader: reader.last_id == end + 1)
        assert reader.events[-1] == anybody.get(f"{FEED}/{end + 1}").json()


def test_a_reader_goes_on_where_he_left_off(log, anybody):
    end = some(log)
    with Following(anybody, {"after": 0}, **{"Last-Event-ID": "2"}) as following:
        reader = following.until(lambda reader: reader.last_id == end)
        assert [event["position"] for event in reader.events] == [3, 4, 5]
    with Following(anybody, {"after": 4}) as following:
        reader = following.until(lambda reader: reader.last_id == end)
        assert [event["position"] for event in reader.events] == [5]
    with Following(anybody, {"after": 3}, **{"Last-Event-ID": ""}) as following:
        reader = following.until(lambda reader: reader.last_id == end)
        assert [event["position"] for event in reader.events] == [4, 5]


def test_only_what_is_wanted_comes_and_ids_go_on_past_the_rest(log, anybody, quickly):
    end = some(log)
    types = {"type": ["action-proposed", "decision-annulled"]}
    with Following(anybody, types) as following:
        reader = following.until(lambda reader: reader.last_id == end)
        assert [event["position"] for event in reader.events] == [1]
        log.record("paquis", committed("bancs", "1.00"))
        following.until(lambda reader: reader.last_id == end + 1)
        log.record("paquis", proposed("arbres"))
        following.until(lambda reader: len(reader.events) == 2)
    assert reader.events[-1]["position"] == end + 2


def test_everything_about_money_is_one_example_of_the_documentation(log, anybody, quickly):
    end = some(log)
    operation = anybody.get("/api/schema").json()["paths"]["/api/v1/events"]["get"]
    (types,) = [each for each in operation["parameters"] if each.get("name") == "type"]
    money = types["examples"]["example1"]["value"]
    assert {kind.slug for kind in MONEY} < set(money)
    assert {"decision-annulled", "decision-rectified"} < set(money)
    with Following(anybody, {"type": money}) as following:
        reader = following.until(lambda reader: reader.last_id == end)
    assert [event["position"] for event in reader.events] == [2, 3, 4, 5]


def test_who_is_far_behind_reads_the_log_and_then_follows(log, anybody, monkeypatch):
    monkeypatch.setattr("api.resources.stream.BATCH", 7)
    monkeypatch.setattr("api.resources.stream.WINDOW", 20)
    for number in range(50):
        log.record("paquis", committed("bancs", "1.00", f"C {number}"), spent("bancs", "1.00"))
    wanted = range(1, 100, 2)
    with Following(anybody, {"type": "funds-committed"}) as following:
        reader = following.until(lambda reader: len(reader.events) == 50)
        assert [event["position"] for event in reader.events] == list(wanted)
        # Further than is kept in memory while a reader is slow.
        many = [committed("bancs", "1.00", f"D {number}") for number in range(KEPT // 2)]
        for _ in range(3):
            log.record("paquis", *many)
        following.until(lambda reader: len(reader.events) == 50 + 3 * len(many))
    assert [event["position"] for event in reader.events] == [*wanted, *range(101, log.size() + 1)]


def test_lost_connections_to_the_database_cost_a_moment(log, anybody):
    end = some(log)
    with Following(anybody) as following:
        reader = following.until(lambda reader: reader.last_id == end)
        for _ in range(2):
            log.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            log.record("paquis", committed("bancs", "1.00"), spent("bancs", "1.00"))
            end += 2
            following.until(lambda reader, end=end: reader.last_id == end)
    assert [event["position"] for event in reader.events] == list(range(1, end + 1))


def test_silence_is_broken_by_comments(log, anybody, quickly):
    with Following(anybody) as following:
        chunks = list(itertools.islice(following.chunks, 4))
    assert chunks == [b"retry: 2000\n\n", b":\n\n", b":\n\n", b":\n\n"]


def test_a_stream_ends_by_itself_and_says_how_far_it_came(log, anybody, monkeypatch):
    monkeypatch.setattr("api.resources.stream.LIFE_SECONDS", 0.5)
    end = some(log)
    with Following(anybody, {"type": "decision-annulled"}) as following:
        reader = following.rest()
    assert (reader.events, reader.last_id) == ([], end)


@each(
    ("query", "headers", "pointer", "code"),
    [
        ({}, {"Last-Event-ID": "x"}, "/Last-Event-ID", "event_id"),
        ({}, {"Last-Event-ID": "-1"}, "/Last-Event-ID", "event_id"),
        ({}, {"Last-Event-ID": "١"}, "/Last-Event-ID", "event_id"),
        ({}, {"Last-Event-ID": "9" * 19}, "/Last-Event-ID", "event_id"),
        ({}, {"Last-Event-ID": "1"}, "/Last-Event-ID", "beyond_the_end"),
        ({"after": "1"}, {}, "/after", "beyond_the_end"),
        ({"after": "x"}, {"Last-Event-ID": "0"}, "/after", "integer"),
        ({"limit": "5"}, {}, "/limit", "with_stream"),
        ({"type": "nothing"}, {}, "/type", "decision_type"),
    ],
)
def test_what_cannot_be_followed_is_said(anybody, query, headers, pointer, code):
    for language in ("fr", "en"):
        answer = anybody.speaking(language).get(FEED, query, **ACCEPT, **headers)
        said = problem(answer, HTTPStatus.BAD_REQUEST, "query")
        assert [(error["pointer"], error["code"]) for error in said["errors"]] == [(pointer, code)]
        assert "(" not in said["errors"][0]["message"].replace("(id)", "")


def test_asking_for_the_headers_takes_no_place(anybody):
    answer = anybody.client.head(FEED, headers=ACCEPT)
    assert answer["Content-Type"] == "text/event-stream"
    assert stream.STREAMS_HERE.taken == 0


def test_there_are_so_many_places_and_some_are_for_accounts(log, anybody, as_role, monkeypatch):
    finance = as_role("finance")
    monkeypatch.setattr(stream.STREAMS_HERE, "total", 3)
    monkeypatch.setattr(stream.STREAMS_HERE, "reserved", 1)
    with Following(anybody), Following(anybody) as second:
        refused = anybody.get(FEED, **ACCEPT)
        problem(refused, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")
        assert refused["Retry-After"] == "5"
        with Following(finance):
            problem(finance.get(FEED, **ACCEPT), HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")
        second.answer.close()
        with Following(anybody):
            pass


def test_a_reader_who_never_reads_gives_his_place_back(log, anybody):
    answer = anybody.get(FEED, **ACCEPT)
    assert stream.STREAMS_HERE.taken == 1
    answer.close()
    answer.close()
    assert stream.STREAMS_HERE.taken == 0


def test_a_stream_that_waits_holds_no_connection_to_the_database(log, anybody, quickly):
    from django.db import connection  # noqa: PLC0415 - needs settings

    end = some(log)
    with Following(anybody) as following:
        following.until(lambda reader: reader.last_id == end)
        assert connection.connection is None
        next(following.chunks)
        assert connection.connection is None
