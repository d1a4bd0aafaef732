"""The log over HTTP is what the specifications say, and proofs are made from it."""

import gzip
import json

import pytest

from api.resources import log
from infra.database.connection import cursor
from infra.evidence.verifier.verifier import unpack, verify
from infra.log import merkle, tiles
from infra.log.keys import LogKeys, read_keys, write_keys
from infra.log.notes import Checkpoint, Note
from infra.log.sealing import seal_all
from tests.api.conftest import problem

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    file = tmp_path / "log-key"
    write_keys(file, LogKeys.generate("log.example/quartier"), new=True)
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(file))
    return file


@pytest.fixture
def sealed(paquis, key_file):
    """Two decisions, sealed."""
    return seal_all(key_file)


def test_the_checkpoint_is_a_signed_note(anybody, sealed, key_file):
    answer = anybody.get("/log/checkpoint")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache"
    note = Note.parse(answer.content)
    assert note.verified(read_keys(key_file).active)
    assert Checkpoint.parse(note.text).size == 2
    again = anybody.get("/log/checkpoint", **{"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    keys = anybody.get("/log/key").content.decode()
    assert keys == f"{read_keys(key_file).active[0]}\n"


def test_tiles_are_served_byte_for_byte_and_for_ever(anybody, sealed):
    entries = anybody.get("/log/tile/entries/000.p/2")
    hashes = anybody.get("/log/tile/0/000.p/2")
    for answer in (entries, hashes):
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Cache-Control"] == FOR_EVER
    rest, found = entries.content, []
    while rest:
        size = int.from_bytes(rest[:2])
        found.append(rest[2 : 2 + size])
        rest = rest[2 + size :]
    assert [json.loads(entry)["position"] for entry in found] == [1, 2]
    assert hashes.content == b"".join(map(merkle.leaf_hash, found))
    assert merkle.node_hash(*map(merkle.leaf_hash, found)) == sealed.root
    first = anybody.get("/log/tile/0/000.p/1")
    assert first.content == hashes.content[:32]


def test_entries_are_compressed_for_whoever_takes_that(anybody, sealed):
    plain = anybody.get("/log/tile/entries/000.p/2")
    packed = anybody.get("/log/tile/entries/000.p/2", **{"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert packed["Vary"] == plain["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.content) == plain.content


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/0/000.p/3",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/02",
        "tile/0/001.p/1",
        "tile/0/0",
        "tile/0/x000/000.p/1",
        "tile/0/x001/x234/067",
        "tile/0/",
        "tile/0/000/",
        "tile/0",
        "tile/1/000.p/1",
        "tile/00/000.p/1",
        "tile/-1/000.p/1",
        "tile/64/000.p/1",
        "tile/99999999999999999999/000.p/1",
        f"tile/{'9' * 4_301}/000",
        f"tile/0/{'9' * 4_301}",
        f"tile/0/000.p/{'9' * 4_301}",
        f"tile/entries/{'9' * 4_301}",
        "tile/x/000.p/1",
        "tile/%D9%A0/000.p/1",
        "tile/data/000.p/1",
        "tile/entries/000",
        "tile/entries/000.p/3",
        "tile/entries/999/999",
        "tile/entries/" + "x999/" * 30 + "999",
        "tile/entries/%00",
        "nothing",
        "",
    ],
)
def test_what_is_not_there_is_not_found(anybody, sealed, path):
    body = problem(anybody.get(f"/log/{path}"), 404, "not-found")
    assert body["detail"]


def test_nothing_is_there_before_the_first_checkpoint(anybody, paquis):
    for path in ("checkpoint", "key", "tile/0/000.p/1", "tile/entries/000.p/1"):
        answer = anybody.get(f"/log/{path}")
        problem(answer, 404, "not-found")
        assert answer["Cache-Control"] == "no-store"


def test_the_log_is_only_read(anybody, sealed):
    for path in ("checkpoint", "tile/0/000.p/1"):
        answer = anybody.post(f"/log/{path}", {})
        problem(answer, 405, "method")
        assert answer["Allow"] == "GET, HEAD"


# --- Proofs ---------------------------------------------------------------------------------------


def test_a_decision_has_a_proof(anybody, sealed, tmp_path):
    answer = anybody.get("/api/v1/events/2/proof")
    assert answer.status_code == 200
    file = tmp_path / "proof.json"
    file.write_bytes(answer.content)
    assert verify(file)["ok"]
    text = anybody.get("/api/v1/events/2/proof", Accept="text/plain")
    assert text.content.startswith(b"c2sp.org/tlog-proof@v1\n")
    assert text["Vary"] == answer["Vary"] == "Accept"


def test_nothing_is_proved_beyond_the_log(anybody, sealed):
    problem(anybody.get("/api/v1/events/3/proof"), 404, "not-found")
    problem(anybody.get(f"/api/v1/events/{10**17}/proof"), 404, "not-found")
    assert anybody.get("/api/v1/events/0/proof").status_code == 404
    assert anybody.get("/api/v1/events/x/proof").status_code == 404


def test_what_is_not_sealed_yet_will_be(anybody, paquis, monkeypatch):
    monkeypatch.setattr("api.resources.log.wait_until_sealed", lambda *_: False)
    monkeypatch.setattr("infra.evidence.bundle.wait_until_sealed", lambda *_: False)
    for path in ("events/1/proof", "contracts/paquis/evidence.zip"):
        answer = anybody.get(f"/api/v1/{path}")
        problem(answer, 503, "unavailable")
        assert answer["Retry-After"] == "1"


def test_a_contract_has_a_bundle_that_verifies(anybody, sealed, tmp_path, key_file):
    answer = anybody.get("/api/v1/contracts/paquis/evidence.zip")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == 'attachment; filename="paquis-evidence.zip"'
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"".join(answer.streaming_content))
    verdict = verify(file, [str(read_keys(key_file).active[0])])
    assert verdict["ok"], verdict
    assert verdict["decisions"] == 2


def test_a_bundle_extends_the_checkpoint_that_was_kept(anybody, paquis, key_file, tmp_path):
    kept = tmp_path / "checkpoint"
    kept.write_text(str(seal_all(key_file).note()))
    paquis.decide("promotion-started", {"audiences": ["Habitant-e-s"]}, on="2014-03-06")
    seal_all(key_file)
    assert tiles.sealed_size(cursor()) == 3
    answer = anybody.get("/api/v1/contracts/paquis/evidence.zip", {"kept": "2"})
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"".join(answer.streaming_content))
    assert verify(file, kept=kept)["ok"]
    for wrong in ("4", "-1", "x", ""):
        problem(anybody.get("/api/v1/contracts/paquis/evidence.zip", {"kept": wrong}), 400, "query")
    answer = anybody.get("/api/v1/contracts/paquis/evidence.zip", {"kept": "4"})
    (fault,) = problem(answer, 400, "query")["errors"]
    assert fault["message"] == "Se trouve au-delà de la fin du journal, 3."


def test_a_contract_that_is_not_there_has_no_bundle(anybody, sealed):
    problem(anybody.get("/api/v1/contracts/nowhere/evidence.zip"), 404, "not-found")


BUNDLE = "/api/v1/contracts/paquis/evidence.zip"


def bundle_of(reader, **query):
    """The ETag of a bundle that was read to its end, and whether it is one."""
    answer = reader.get(BUNDLE, query)
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    return answer["ETag"]


def test_who_has_a_bundle_already_is_told_so_without_making_it(
    anybody, paquis, as_role, key_file, monkeypatch
):
    seal_all(key_file)
    tag = bundle_of(anybody)
    assert bundle_of(anybody) == bundle_of(as_role("finance")) == tag
    assert bundle_of(as_role("auditor")) != tag, "who is shown the restricted texts"
    assert bundle_of(anybody, kept="1") != tag
    monkeypatch.setattr("infra.evidence.bundle.bundle", None)  # making one would fail
    answer = anybody.get(BUNDLE, **{"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    asked = anybody.client.head(BUNDLE)
    assert (asked.status_code, asked["ETag"]) == (200, tag)
    assert asked["Content-Type"] == "application/zip"
    assert "Content-Length" not in asked
    assert anybody.client.head("/api/v1/contracts/nowhere/evidence.zip").status_code == 404
    paquis.decide("promotion-started", {"audiences": ["Habitant-e-s"]}, on="2014-03-06")
    seal_all(key_file)
    assert anybody.client.head(BUNDLE)["ETag"] != tag


def test_bundles_are_bounded_in_number_until_they_are_sent(anybody, sealed, monkeypatch):
    monkeypatch.setattr(log.BUNDLES, "total", 1)
    first = anybody.get(BUNDLE)
    problem(anybody.get(BUNDLE), 503, "unavailable")
    assert anybody.client.head(BUNDLE).status_code == 200
    assert anybody.get(BUNDLE, **{"If-None-Match": first["ETag"]}).status_code == 304
    assert b"".join(first.streaming_content)[:2] == b"PK"
    assert bundle_of(anybody) == first["ETag"]


def test_documents_that_decisions_rest_on_are_in_the_bundle(
    paquis, anybody, key_file, tmp_path, monkeypatch
):
    monkeypatch.setenv("QUARTIER_DOCUMENTS", str(tmp_path / "documents"))
    sent = paquis.post("/api/v1/documents?title=PV 3", b"minutes", "application/octet-stream")
    digest = sent.json()["sha256"]
    answer = paquis.decide(
        "promotion-started",
        {"audiences": ["Habitant-e-s"]},
        on="2014-03-06",
        evidence=[
            {"sha256": digest, "title": "PV 3"},
            {"sha256": "0" * 64, "title": "kept elsewhere"},
        ],
    )
    assert answer.status_code == 201, answer.content
    seal_all(key_file)
    bundle = anybody.get("/api/v1/contracts/paquis/evidence.zip")
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"".join(bundle.streaming_content))
    assert verify(file)["ok"]
    files = unpack(file.read_bytes())
    assert files[f"documents/{digest}"] == b"minutes"
    assert f"documents/{'0' * 64}" not in files
