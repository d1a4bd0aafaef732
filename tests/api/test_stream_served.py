"""The feed as Server-Sent Events over HTTP: two processes, readers who are cut off, the end."""

import contextlib
import random
import threading
import time
from functools import partial

import pytest

from domain.chapters.corrections import DecisionAnnulled
from infra.web.server import STREAMS
from tests.api.reading import Reader, follow
from tests.api.served import PROCESSES, free_port, served
from tests.infra.relay.story import Log, annulled, committed, spent

FEED = "/api/v1/events"
ACCEPT = {"Accept": "text/event-stream"}
WRITERS = 3
CONNECTIONS = 12
"""Of each reader, before the writers stop."""

STOP_SECONDS = 5


@pytest.fixture
def log(database):
    log = Log(database.url)
    yield log
    log.close()


def write(log, contract, readers):
    """Events of two types, a few at a time, and one of a third every now and then."""
    deadline = time.monotonic() + 60
    while min(reader.connections for reader in readers) < CONNECTIONS:
        assert time.monotonic() < deadline
        some = [
            random.choice([committed, spent])("bancs", "1.00")  # noqa: S311 - no secret
            for _ in range(random.randint(1, 9))  # noqa: S311
        ]
        if random.random() < 0.1:  # noqa: S311
            some.append(annulled(1))
        log.record(contract, *some)
        time.sleep(random.uniform(0, 0.1))  # noqa: S311
    log.record(contract, annulled(1))


def in_threads(*targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def recorded(log, *types):
    query = "SELECT position FROM event WHERE type = ANY(%s) OR %s ORDER BY position"
    rows = log.connection.execute(query, [list(types), not types]).fetchall()
    return [position for (position,) in rows]


WANTED = {
    "everything": (),
    "two types": ("funds-committed", DecisionAnnulled.slug),
    "a rare one": (DecisionAnnulled.slug,),
}


def test_whoever_is_cut_off_at_random_misses_nothing_and_has_nothing_twice(log, tmp_path):
    readers = {name: Reader() for name in WANTED}
    recorded_of = {}
    written = threading.Event()

    def reading(name):
        def is_complete(reader):
            return written.is_set() and len(reader.events) >= len(recorded_of[name])

        def read():
            query = [("type", slug) for slug in WANTED[name]]
            follow(service, readers[name], query, until=is_complete)

        return read

    def writing():
        names = [f"c{number}" for number in range(WRITERS)]
        in_threads(*(partial(write, log, name, readers.values()) for name in names))
        recorded_of.update({name: recorded(log, *types) for name, types in WANTED.items()})
        written.set()

    with served(tmp_path) as service:
        in_threads(writing, *map(reading, WANTED))
    assert len(recorded_of["everything"]) == log.size()
    for name, reader in readers.items():
        assert [event["position"] for event in reader.events] == recorded_of[name]
        assert reader.connections >= CONNECTIONS


def open_streams(service, stack, number):
    """Open so many streams; how many were refused."""
    refused = 0
    for _ in range(number):
        answer = service.ask(FEED, **ACCEPT)
        if answer.status == 200:
            stack.callback(answer.connection.close)
            stack.callback(answer.close)
            answer.read1(100)
        else:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert answer.headers["Content-Type"] == "application/problem+json"
            answer.connection.close()
            refused += 1
    return refused


def test_streams_are_bounded_leave_room_and_end_with_the_service(log, tmp_path):
    log.record("paquis", committed("bancs", "1.00"))
    with served(tmp_path) as service:
        with contextlib.ExitStack() as stack:
            most = PROCESSES * STREAMS
            refused = open_streams(service, stack, most + 1)
            assert 0 < refused < most
            # Whoever wants anything else is answered at once.
            began = time.monotonic()
            for _ in range(20):
                answer = service.ask("/api/v1/contracts")
                assert answer.status == 200
                answer.connection.close()
            assert time.monotonic() - began < 5
        # Those who have gone give their places back by the next heartbeat.
        deadline = time.monotonic() + 15
        while True:
            with contextlib.ExitStack() as stack:
                if open_streams(service, stack, 8) == 0:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.5)
        with contextlib.ExitStack() as stack:
            open_streams(service, stack, 12)
            assert service.stop() < STOP_SECONDS
        said = service.log.read_text("utf-8")
    assert '"event_stream_ended"' in said
    assert "Traceback" not in said


def test_a_stream_ends_whole_when_the_service_does(log, tmp_path):
    end = log.record("paquis", committed("bancs", "1.00"), spent("bancs", "1.00"))
    with served(tmp_path) as service:
        answer = service.ask(FEED, [("type", "decision-annulled")], **ACCEPT)
        reader = Reader()
        reader.read(answer.read1(100))
        time.sleep(1)
        service.stop()
        reader.read(answer.read())
        answer.connection.close()
    assert (reader.events, reader.last_id) == ([], end)


@pytest.mark.browser
def test_a_browser_comes_again_by_itself(log, tmp_path, chromium):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is one

    def positions():
        return page.evaluate("window.seen.map(text => JSON.parse(text).position)")

    def until_seen(end):
        page.wait_for_function(f"window.seen.length >= {end}", timeout=30_000)

    port = free_port()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        with served(tmp_path, port=port) as service:
            log.record("paquis", committed("bancs", "1.00"))
            page.goto(f"{service.address}/api/docs")
            page.evaluate(
                "() => { window.seen = [];"
                "const source = new EventSource('/api/v1/events');"
                "source.onmessage = event => window.seen.push(event.data); }"
            )
            until_seen(1)
            log.record("paquis", spent("bancs", "1.00"))
            until_seen(2)
        log.record("paquis", committed("bancs", "1.00"), spent("bancs", "1.00"))
        with served(tmp_path, port=port):
            until_seen(4)
            log.record("paquis", committed("bancs", "1.00"))
            until_seen(5)
            assert positions() == [1, 2, 3, 4, 5]
            browser.close()
