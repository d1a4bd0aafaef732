"""Follows a log from outside, over HTTP: what an auditor runs, or anybody who kept a checkpoint.

Only public resources are read, and nothing is believed but signatures and hashes.
"""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit

from infra.log.findings import Fault, LogFinding, finding
from infra.log.merkle import HASH_SIZE, Tile, consistency_proof, tile_reader, verify_consistency
from infra.log.notes import MAX_NOTE, Checkpoint, Note, NoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.log.notes import VerifierKey

TIMEOUT: Final = 10.0


class NotReachable(Exception):
    """The log does not answer, or has not got what it must have."""


def fetcher(url: str) -> Callable[[str], bytes]:
    """Reads resources below a log's address, such as `http://127.0.0.1:8000/log`.

    Raises:
        ValueError: it is not an address of HTTP.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError(f"{url} is not an address of HTTP")

    def fetch(path: str) -> bytes:
        try:
            with urllib.request.urlopen(  # noqa: S310 - the scheme was looked at
                f"{url.rstrip('/')}/{path}", timeout=TIMEOUT
            ) as answer:
                content: bytes = answer.read(MAX_NOTE)
        except (OSError, HTTPError) as error:
            raise NotReachable(f"{path}: {error}") from error
        return content

    return fetch


def follow(
    fetch: Callable[[str], bytes], keys: Sequence[VerifierKey], kept: Note | None = None
) -> tuple[Note, list[LogFinding]]:
    """Read the newest checkpoint, and whether it extends one that was kept.

    Args:
        fetch: reads a resource of the log by its path.
        keys: that are trusted to sign it.
        kept: a checkpoint from before.

    Returns:
        The newest checkpoint, to be kept in its turn, and what is wrong.

    Raises:
        NotReachable: something is not served.
        NoteError: the kept note is not a checkpoint of this log.
    """
    note = Note.parse(fetch("checkpoint"))
    newest = Checkpoint.parse(note.text)
    try:
        note.verified(keys)
    except NoteError as error:
        return note, [finding(Fault.CHECKPOINT_NOT_OURS, size=newest.size, why=str(error))]
    if kept is None:
        return note, []
    kept.verified(keys)
    before = Checkpoint.parse(kept.text)
    if before.size > newest.size:
        return note, [finding(Fault.LOG_ROLLED_BACK, size=newest.size, kept=before.size)]
    extends = before.origin == newest.origin and _extends(fetch, before, newest)
    return note, [] if extends else [finding(Fault.LOG_FORKED, kept=before.size)]


def _extends(fetch: Callable[[str], bytes], before: Checkpoint, newest: Checkpoint) -> bool:
    def read_tile(tile: Tile) -> bytes:
        hashes = fetch(f"tile/{tile.path()}")
        if len(hashes) != tile.width * HASH_SIZE:
            raise NotReachable(f"tile {tile.path()} has {len(hashes)} bytes")
        return hashes

    read = tile_reader(newest.size, read_tile)
    proof = consistency_proof(before.size, newest.size, read)
    return verify_consistency(before.size, newest.size, before.root, newest.root, proof)
