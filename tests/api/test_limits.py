"""Long answers are bounded in number: beyond that, 503 with Retry-After."""

import hashlib
from contextlib import closing

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from api.http.limits import ConcurrencyLimit
from api.http.problems import Problem
from api.resources import documents, events, funding_files
from infra.web.server import LONG_ANSWERS
from tests.api.conftest import limits, problem

WITHOUT_THREAD = {"test", "event-stream", "document"}
"""These have threads of their own, or none while they are sent."""

NDJSON = {"Accept": "application/x-ndjson"}


def refused(limit, **known):
    with pytest.raises(Problem) as raised:
        limit.acquire(**known)
    assert raised.value.kind.status == 503
    assert raised.value.headers == {"Retry-After": "5"}


def test_there_are_so_many_slots_and_no_more():
    limit = ConcurrencyLimit("test", 2)
    with limit.slot():
        limit.acquire()
        refused(limit)
    limit.acquire()
    refused(limit)
    limit.release()
    limit.release()
    assert limit.taken == 0


def test_some_slots_are_kept_for_accounts():
    limit = ConcurrencyLimit("test", 2, reserved=1)
    limit.acquire(known=False)
    refused(limit, known=False)
    limit.acquire(known=True)
    refused(limit, known=True)


@pytest.mark.parametrize("made", [HttpResponse, StreamingHttpResponse])
def test_a_slot_is_held_until_the_response_is_closed_once(made):
    limit = ConcurrencyLimit("test", 1)
    response = limit.until_sent(lambda: made([b"long"]))()
    refused(limit)
    response.close()
    response.close()
    assert limit.taken == 0


def test_a_view_that_fails_holds_no_slot():
    limit = ConcurrencyLimit("test", 1)

    @limit.until_sent
    def fails():
        raise ValueError("no view")

    for _ in range(2):
        with pytest.raises(ValueError, match="no view"):
            fails()


def test_documents_are_bounded(database, coordinator, anybody, monkeypatch, tmp_path):
    monkeypatch.setenv("QUARTIER_DOCUMENTS", str(tmp_path / "documents"))
    monkeypatch.setattr(documents.DOWNLOADS, "total", 1)
    coordinator.post("/api/v1/documents?title=PV", b"minutes", content_type="text/plain")
    path = f"/api/v1/documents/{hashlib.sha256(b'minutes').hexdigest()}"
    first = anybody.get(path)
    problem(anybody.get(path), 503, "unavailable")
    assert b"".join(first.streaming_content) == b"minutes"
    assert b"".join(anybody.get(path).streaming_content) == b"minutes"


def test_streams_of_lines_are_bounded(database, coordinator, anybody, monkeypatch):
    monkeypatch.setattr(events.LINES, "total", 1)
    coordinator.begin()
    first = anybody.get("/api/v1/events", **NDJSON)
    problem(anybody.get("/api/v1/events", **NDJSON), 503, "unavailable")
    assert len(b"".join(first.streaming_content).splitlines()) == 1
    with closing(anybody.get("/api/v1/events", **NDJSON)) as again:
        assert again.status_code == 200


@pytest.mark.parametrize(("form", "limit"), [("xlsx", "XLSX_FILES"), ("csv", "CSV_FILES")])
def test_files_of_the_ledger_are_bounded(database, anybody, monkeypatch, form, limit):
    monkeypatch.setattr(getattr(funding_files, limit), "total", 1)
    path = f"/api/v1/funding/sums.{form}"
    first = anybody.get(path)
    problem(anybody.get(path), 503, "unavailable")
    assert anybody.client.head(path).status_code == 200
    assert b"".join(first.streaming_content)
    with closing(anybody.get(path)) as again:
        assert again.status_code == 200


def test_all_long_answers_together_leave_the_other_threads_alone():
    ours = [each.total for each in limits() if each.kind not in WITHOUT_THREAD]
    assert 4 < len(ours) < 20
    assert sum(ours) <= LONG_ANSWERS
