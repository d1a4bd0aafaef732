"""The feed: by position, in pages that never change once they are full."""

import json
import threading
from http import HTTPStatus

import pytest

from tests.api.conftest import problem

FEED = "/api/v1/events"
FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def ten(paquis):
    """Ten decisions, the first two of them the contract's."""
    paquis.decide("promotion-started", {"audiences": ["Tous"]})
    for number in range(7):
        held = {"audience": f"Groupe {number}", "means": "stall"}
        assert paquis.decide("promotion-activity-held", held).status_code == HTTPStatus.CREATED
    return paquis


def test_a_full_page_says_that_it_never_changes(ten, anybody):
    full = anybody.get(FEED, {"after": 0, "limit": 5})
    assert full["Cache-Control"] == FOR_EVER
    assert [each["position"] for each in full.json()["results"]] == [1, 2, 3, 4, 5]
    partial = anybody.client.get(full.json()["next"] + "0")
    assert partial["Cache-Control"] == "no-cache"
    ten.decide("promotion-activity-held", {"audience": "Tard", "means": "stall"})
    assert anybody.get(FEED, {"after": 0, "limit": 5}).content == full.content


def test_a_partial_page_can_be_asked_for_again(ten, anybody):
    query = {"after": 8, "limit": 5}
    partial = anybody.get(FEED, query)
    assert partial.json()["next"] is None
    assert [each["position"] for each in partial.json()["results"]] == [9, 10]
    unchanged = anybody.get(FEED, query, **{"If-None-Match": partial["ETag"]})
    assert unchanged.status_code == HTTPStatus.NOT_MODIFIED
    ten.decide("promotion-activity-held", {"audience": "Tard", "means": "stall"})
    grown = anybody.get(FEED, query, **{"If-None-Match": partial["ETag"]})
    assert [each["position"] for each in grown.json()["results"]] == [9, 10, 11]


def test_beyond_the_end_there_is_nothing_yet(ten, anybody):
    page = anybody.get(FEED, {"after": 10})
    assert page.json() == {"next": None, "results": []}
    assert page["Cache-Control"] == "no-cache"


def test_the_feed_can_be_narrowed_to_types(ten, anybody):
    answer = anybody.client.get(f"{FEED}?type=perimeter-set&type=promotion-started")
    assert [each["type"] for each in answer.json()["results"]] == [
        "perimeter-set",
        "promotion-started",
    ]
    full = anybody.client.get(f"{FEED}?type=promotion-activity-held&limit=2").json()
    following = anybody.client.get(full["next"]).json()
    assert [each["position"] for each in full["results"] + following["results"]] == [4, 5, 6, 7]


def test_an_event_holds_references_and_no_text(paquis, anybody):
    paquis.decide("contract-suspended", {"reason": "Un secret de quartier."}, on="2014-05-01")
    answer = anybody.get(f"{FEED}/3")
    assert answer["Cache-Control"] == FOR_EVER
    assert set(answer.json()["data"]["reason"]) == {"text", "digest"}
    for path in (FEED, f"{FEED}?type=contract-suspended"):
        assert "secret" not in paquis.client.get(path).content.decode()
    streamed = paquis.get(FEED, Accept="application/x-ndjson")
    assert b"secret" not in b"".join(streamed.streaming_content)


def test_an_event_is_found_by_its_position(ten, anybody):
    assert anybody.get(f"{FEED}/7").json() == anybody.get(FEED).json()["results"][6]
    problem(anybody.get(f"{FEED}/11"), HTTPStatus.NOT_FOUND, "not-found")
    for nowhere in ("0", "-1", "1.0", "9" * 19, "x"):
        problem(anybody.get(f"{FEED}/{nowhere}"), HTTPStatus.NOT_FOUND, "not-found")


def lines(answer):
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def test_the_feed_streams_as_lines(ten, anybody, monkeypatch):
    monkeypatch.setattr("api.resources.events.BATCH", 3)
    streamed = anybody.get(FEED, Accept="application/x-ndjson")
    assert streamed["Content-Type"] == "application/x-ndjson"
    assert lines(streamed) == anybody.get(FEED).json()["results"]
    some = anybody.get(FEED, {"after": 4, "limit": 4}, Accept="application/x-ndjson")
    assert [each["position"] for each in lines(some)] == [5, 6, 7, 8]
    none = anybody.get(FEED, {"after": 99}, Accept="application/x-ndjson")
    assert lines(none) == []


def test_a_reader_who_pages_while_others_write_misses_nothing(ten, anybody, log_size):
    from django.db import connection  # noqa: PLC0415 - needs settings

    writers_done = threading.Event()
    seen, refused = [], []

    def write(writer):
        for number in range(15):
            answer = ten.decide(
                "promotion-activity-held", {"audience": f"{writer}-{number}", "means": "stall"}
            )
            if answer.status_code != HTTPStatus.CREATED:
                refused.append(answer.content)
        connection.close()

    def read():
        after = 0
        while True:
            last_look = writers_done.is_set()
            page = anybody.get(FEED, {"after": after, "limit": 7}).json()["results"]
            seen.extend(each["position"] for each in page)
            if page:
                after = page[-1]["position"]
            elif last_look:
                break
        connection.close()

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=[writer]) for writer in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    writers_done.set()
    reader.join()
    assert not refused
    assert seen == list(range(1, log_size() + 1))
    assert log_size() == 70
