"""What an answer depends on besides its address: Accept, language, reader, and its ETag."""

import gzip
import http

import pytest

from infra.log.keys import LogKeys, write_keys
from infra.log.sealing import seal_all
from tests.api.conftest import each

FEED = "/api/v1/events"
PROOF = "/api/v1/events/1/proof"
ENTRIES = "/log/tile/entries/000.p/2"
JSON = "application/json"
NDJSON = "application/x-ndjson"
STREAM = "text/event-stream"
TEXT = "text/plain; charset=utf-8"
HOSTILE = (
    "",
    "nonsense",
    ";;;,,,/",
    "a/b;q=x, */*;q=nan",
    "text/plain;a*=foo''x",
    "text/plain;a*0*=utf-8''%ff",
    "\xff\x00/é;q=%%",
    "a/b;" + "c=d;" * 5_000,
    "a/b," * 5_000,
)


@pytest.fixture
def sealed(paquis, tmp_path, monkeypatch):
    """Two decisions, sealed."""
    file = tmp_path / "log-key"
    write_keys(file, LogKeys.generate("log.example/quartier"), new=True)
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(file))
    return seal_all(file)


def media_type(asking, path, accept):
    """What a GET is answered with; a HEAD the same, so that no stream goes on."""
    answer = asking.client.head(path, headers={} if accept is None else {"Accept": accept})
    assert answer.status_code == http.HTTPStatus.OK, (accept, answer.content)
    assert "Accept" in answer["Vary"]
    return answer["Content-Type"]


@each(
    ("accept", "told"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json, text/event-stream", JSON),
        ("application/json, application/x-ndjson", JSON),
        ("text/event-stream", STREAM),
        ("text/event-stream; charset=utf-8", STREAM),
        ("text/*", STREAM),
        ("application/json;q=0.5, text/event-stream", STREAM),
        ("text/event-stream;q=0.5, application/json", JSON),
        ("text/event-stream;q=0", JSON),
        ("text/event-stream;q=0, text/*", JSON),
        ("text/event-stream;q=0, */*;q=0.1", JSON),
        ("application/x-ndjson", NDJSON),
        ("application/x-ndjson;q=0", JSON),
        ("application/x-ndjson, */*;q=0.1", NDJSON),
        ("application/json;q=0, */*", NDJSON),
        ("application/xml", JSON),
        ("x-text/event-stream-2", JSON),
        *((accept, JSON) for accept in HOSTILE),
    ],
)
def test_the_feed_is_told_as_its_reader_prefers(paquis, anybody, accept, told):
    assert media_type(anybody, FEED, accept) == told


@each(
    ("accept", "told"),
    [
        (None, JSON),
        ("application/json, text/plain, */*", JSON),
        ("text/plain", TEXT),
        ("text/plain, */*;q=0.5", TEXT),
        ("text/plain;q=0, */*", JSON),
        ("text/html, text/plain;q=0.9, application/json;q=0.8", TEXT),
        *((accept, JSON) for accept in HOSTILE),
    ],
)
def test_a_proof_is_told_as_its_reader_prefers(sealed, anybody, accept, told):
    assert media_type(anybody, PROOF, accept) == told


@each(
    ("accept", "packed"),
    [
        (None, False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("gzipped", False),
        ("br", False),
        ("gzip;q=x;a*=foo''x", False),
    ],
)
def test_entries_are_compressed_where_that_is_preferred(sealed, anybody, accept, packed):
    given = {} if accept is None else {"Accept-Encoding": accept}
    answer = anybody.get(ENTRIES, **given)
    assert answer["Vary"] == "Accept-Encoding"
    assert answer.get("Content-Encoding") == ("gzip" if packed else None)
    content = gzip.decompress(answer.content) if packed else answer.content
    assert content == anybody.get(ENTRIES).content


@each(
    ("accept", "language"),
    [("*;q=0.5, fr;q=0", "en"), ("fr;q=0", "en"), ("en;q=0, *", "fr"), ("fr;q=0, en;q=0", "fr")],
)
def test_a_language_that_is_refused_is_not_told(anybody, accept, language):
    answer = anybody.get("/api/v1/nothing", **{"Accept-Language": accept})
    assert answer["Content-Language"] == language


# --- One ETag for one representation ------------------------------------------------------------

PAQUIS = "/api/v1/contracts/paquis"
BY_READER = (
    *("", "/bodies", "/conformity", "/diagnosis", "/funding", "/genealogy", "/plenaries"),
    *("/roadmap", "/timeline", "/history", "/decisions", "/conformity.csv", "/conformity.html"),
    *("/overview/changes", "/counterfactual?framework=pilots-2009"),
)


@pytest.fixture
def need(paquis):
    """A need whose words only some may read."""
    written = {
        "need": "n1",
        "title": "Un préau ouvert",
        "origin": "written",
        "theme": "espace-public",
        "text": "Le préau est fermé le soir.",
    }
    answer = paquis.decide("need-expressed", written, body="service")
    assert answer.status_code == http.HTTPStatus.CREATED, answer.content
    return paquis


@each("path", BY_READER)
def test_each_class_of_readers_and_each_language_has_its_own_etag(need, anybody, path):
    readers = [anybody, need, anybody.speaking("en"), need.speaking("en")]
    tags = [reader.get(PAQUIS + path)["ETag"] for reader in readers]
    assert len(set(tags)) == len(tags), tags
    for reader in readers:
        for tag in tags:
            own = reader.get(PAQUIS + path)["ETag"]
            answer = reader.get(PAQUIS + path, **{"If-None-Match": tag})
            assert answer.status_code == (304 if tag == own else 200)
            assert answer["ETag"] == own
            assert {"Authorization", "Accept-Language"} <= set(answer["Vary"].split(", "))
            assert ("private" in answer["Cache-Control"]) == (reader.token is not None)


def test_restricted_words_do_not_outlast_the_token(need, anybody):
    path = f"{PAQUIS}/diagnosis"
    secret, public = need.get(path), anybody.get(path)
    assert "Le préau est fermé" in secret.content.decode()
    assert "Le préau est fermé" not in public.content.decode()
    for reader, other in ((anybody, secret), (need, public)):
        answer = reader.get(path, **{"If-None-Match": other["ETag"]})
        assert answer.status_code == http.HTTPStatus.OK


def test_what_was_read_can_be_written_upon(need):
    """If-Match takes the ETag of any view, whoever read it in whatever language."""
    for path in ("", "/diagnosis", "/decisions", "/history"):
        tag = need.get(PAQUIS + path)["ETag"]
        answer = need.decide("contract-suspended", {}, headers={"If-Match": tag})
        assert answer.status_code == http.HTTPStatus.UNPROCESSABLE_ENTITY


def test_readers_of_the_same_texts_share_an_etag(need, as_role):
    path = f"{PAQUIS}/diagnosis"
    tag = need.get(path)["ETag"]
    assert as_role("auditor").get(path, **{"If-None-Match": tag}).status_code == 304
