"""Evidence as files, each named by its content: `documents/3f/3fa9…` holds what hashes to that.

A file is written beside its place and renamed into it, so that it is there whole or not at all;
what is known of it is in the database. The same content is kept once, however often it comes.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from infra.conf.environment import HOME
from infra.database.connection import cursor
from infra.recording.idempotency import digest_of
from infra.recording.refusals import KeyReused

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST: Final = 25 * 1024 * 1024
"""Bytes of one document."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class TooLarge(Exception):
    """A document has more bytes than are taken."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is known of a document; `sha256` in hex, `size` in bytes."""

    sha256: str
    size: int
    media_type: str
    title: str


def folder() -> Path:
    """Where the files are: `QUARTIER_DOCUMENTS`, or in this machine's own folder."""
    return Path(os.environ.get("QUARTIER_DOCUMENTS") or HOME / "documents")


def keep(
    chunks: Iterable[bytes],
    *,
    media_type: str,
    title: str,
    by: str,
    largest: int = LARGEST,
    key: str | None = None,
) -> Document:
    """Keep a document. If its content is known, what was first said of it stays.

    Args:
        chunks: its content, in order; read once.
        media_type: as it was sent; it is served as an attachment, never shown.
        title: a short name, checked by the caller.
        by: the account that brings it.
        largest: bytes that are taken.
        key: the account's own name for this request.

    Raises:
        TooLarge: it has more; nothing is kept.
        KeyReused: the key was used for another document, title or media type; nothing is kept.
    """
    home = folder()
    home.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=home, prefix="incoming.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            sha256, size = _write(file, chunks, largest)
        document = Document(sha256, size, media_type, title)
        if key is not None:
            _demand_same_request(document, by, key)
        _put(Path(draft), _place(sha256))
    finally:
        Path(draft).unlink(missing_ok=True)
    return _describe(document, by)


def find(sha256: str) -> Document | None:
    """What is known of a document, by its digest in hex; None if it is not kept here."""
    if not _SHA256.fullmatch(sha256):
        return None
    row = (
        cursor()
        .execute(
            "SELECT encode(sha256, 'hex'), size, media_type, title FROM document"
            " WHERE sha256 = decode(%s, 'hex')",
            [sha256],
        )
        .fetchone()
    )
    return None if row is None else Document(*row)


def read(sha256: str) -> BinaryIO:
    """The content, to be closed by the caller.

    Raises:
        FileNotFoundError: it is not kept here.
    """
    if not _SHA256.fullmatch(sha256):
        raise FileNotFoundError(sha256)
    return _place(sha256).open("rb")


def is_kept(sha256: str) -> bool:
    """Whether the content is here."""
    return _SHA256.fullmatch(sha256) is not None and _place(sha256).is_file()


def _place(sha256: str) -> Path:
    return folder() / sha256[:2] / sha256


def _write(file: BinaryIO, chunks: Iterable[bytes], largest: int) -> tuple[str, int]:
    """Write it through to the disk; its digest and its size."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > largest:
            raise TooLarge(f"more than {largest} bytes")
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest(), size


def _put(draft: Path, place: Path) -> None:
    """Rename it into its place, and write the folder's entry through to the disk."""
    place.parent.mkdir(exist_ok=True)
    draft.chmod(0o640)
    draft.replace(place)
    entry = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


def _demand_same_request(document: Document, by: str, key: str) -> None:
    """Take the key for this request, unless it has it already."""
    digest = digest_of(document.sha256, document.media_type, document.title)
    cursor().execute(
        "INSERT INTO document_request (account, key, digest) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [by, key, digest],
    )
    row = (
        cursor()
        .execute("SELECT digest FROM document_request WHERE account = %s AND key = %s", [by, key])
        .fetchone()
    )
    assert row is not None  # noqa: S101 - it is there now, and nothing is deleted
    if row[0] != digest:
        raise KeyReused(key)


def _describe(document: Document, by: str) -> Document:
    """Write down what is said of it, after its content is safe."""
    cursor().execute(
        "INSERT INTO document (sha256, size, media_type, title, created_by)"
        " VALUES (decode(%s, 'hex'), %s, %s, %s, %s) ON CONFLICT (sha256) DO NOTHING",
        [document.sha256, document.size, document.media_type, document.title, by],
    )
    known = find(document.sha256)
    assert known is not None  # noqa: S101 - it was just written, and nothing is deleted
    return known
