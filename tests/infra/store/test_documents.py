import hashlib

import pytest

from infra.database.connection import cursor
from infra.recording import documents


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QUARTIER_DOCUMENTS", str(tmp_path / "documents"))
    return tmp_path / "documents"


def keep(*chunks, **more):
    said = {"media_type": "application/pdf", "title": "Procès-verbal", "by": "test"} | more
    return documents.keep(chunks, **said)


def test_a_document_is_named_by_its_content(folder):
    kept = keep(b"one ", b"two")
    assert kept.sha256 == hashlib.sha256(b"one two").hexdigest()
    assert (kept.size, kept.title) == (7, "Procès-verbal")
    assert documents.find(kept.sha256) == kept
    with documents.read(kept.sha256) as file:
        assert file.read() == b"one two"
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [kept.sha256]


def test_the_same_content_is_kept_once_and_what_was_said_first_stays(folder):
    first = keep(b"same")
    assert keep(b"same", title="Autre", media_type="text/plain") == first
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1
    assert cursor().execute("SELECT count(*) FROM document").fetchone() == (1,)


def test_nothing_is_left_of_what_is_too_large_or_breaks_off(folder):
    def broken():
        yield b"some"
        raise ConnectionError

    with pytest.raises(documents.TooLarge):
        keep(b"x" * 6, b"x" * 6, largest=11)
    with pytest.raises(ConnectionError):
        documents.keep(broken(), media_type="text/plain", title="T", by="test")
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert keep(b"x" * 11, largest=11).size == 11
    assert keep(b"").size == 0


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64, "\0"])
def test_what_is_not_kept_is_not_found(digest):
    assert documents.find(digest) is None
    with pytest.raises(FileNotFoundError):
        documents.read(digest)
