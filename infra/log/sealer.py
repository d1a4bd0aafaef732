"""The sealer: adds to the tree what was recorded since the last checkpoint, and signs it.

One process seals at a time: it holds an advisory lock, and others stand by. Before it signs, the
tree that was signed last is computed again from what is stored, and from the newest decisions
themselves. Where that is not the tree that was signed, nothing is signed any more: a log that
contradicts itself is of no use, and whoever altered it is not to have it signed.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import psycopg
import structlog

from domain.merkle import (
    HASH_SIZE,
    TILE_HEIGHT,
    TILE_WIDTH,
    Frontier,
    Tile,
    consistency_proof,
    frontier,
    leaf_hash,
    root_hash,
    tile_root,
    verify_consistency,
)
from infra.database import dedicated
from infra.log import tiles
from infra.log.findings import Fault, Refused, finding
from infra.log.keys import (
    KeyFileError,
    LogKeys,
    ensure_keys,
    key_file,
    read_keys,
    read_mark,
    write_mark,
)
from infra.log.notes import Checkpoint, Note, NoteError
from infra.log.tiles import Sealed
from infra.log.witness import Cosigner

if TYPE_CHECKING:
    from pathlib import Path

    from infra.log.tiles import Cursor

    Connection = psycopg.Connection[tuple[Any, ...]]

log = structlog.get_logger(__name__)

BATCH: Final = 16 * TILE_WIDTH
"""Decisions under one new checkpoint, at most."""

LOCK: Final = 0x7175_6172_7469_6572
"""The advisory lock of whoever seals."""

PAUSE: Final = 0.1
"""Seconds between two checkpoints, at least: what comes in the meantime shares the next one."""

POLL: Final = 0.5
"""Seconds after which it looks whether there is anything to seal, told or not."""

ALARM_PAUSE: Final = 10.0
"""Seconds before it tries again after it refused or failed."""


@dataclass
class Sealer:
    """Seals what is recorded, on a connection of its own.

    file: the keys; read anew for each checkpoint, so that they can be replaced meanwhile.
    """

    file: Path = field(default_factory=key_file)
    cosigner: Cosigner = field(default_factory=Cosigner)

    def run(self, stop: threading.Event) -> None:
        """Seal until told to stop, and have it cosigned. What fails is logged and tried again."""
        cosigning = threading.Thread(target=self.cosigner.run, args=[stop], daemon=True)
        cosigning.start()
        try:
            self._run(stop)
        finally:
            self.cosigner.wake()
            cosigning.join(1.0)  # a witness who is slow to answer is not waited for

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with dedicated() as connection:
                    self._serve(connection, stop)
            except (psycopg.Error, OSError, KeyFileError) as error:
                log.warning("sealer_failed", error=str(error))
                stop.wait(1.0)
            except Exception:
                log.exception("sealer_failed")
                stop.wait(ALARM_PAUSE)

    def _serve(self, connection: Connection, stop: threading.Event) -> None:
        while not _lock(connection):
            if stop.wait(POLL):
                return
        connection.execute("LISTEN quartier_events")
        while not stop.is_set():
            try:
                sealed = seal(connection, self.file)
            except Refused as refused:
                log.error("sealing_refused", **refused.finding.as_json())  # noqa: TRY400 - expected
                stop.wait(ALARM_PAUSE)
                continue
            if sealed is None:
                _wait(connection)
                continue
            log.info("checkpoint_signed", size=sealed.size, root=sealed.root.hex())
            self.cosigner.wake()
            stop.wait(PAUSE)


def seal_all(file: Path | None = None) -> Sealed | None:
    """Seal everything that is recorded by now, once; the last new checkpoint, if there is one.

    Raises:
        Refused: nothing (more) was signed, and why.
        KeyFileError: there are no keys.
        SealedElsewhere: another process holds the lock.
    """
    with dedicated() as connection:
        if not _lock(connection):
            raise SealedElsewhere
        last = None
        while sealed := seal(connection, file or key_file()):
            last = sealed
        return last


class SealedElsewhere(Exception):
    """Another process seals this log."""


def _lock(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])


def _wait(connection: Connection) -> None:
    """Wait for a hint that something was recorded, or a while; take all hints there are."""
    for _ in connection.notifies(timeout=POLL, stop_after=1):
        pass
    for _ in connection.notifies(timeout=0):
        pass


# --- One checkpoint -----------------------------------------------------------------------------


def seal(connection: Connection, file: Path) -> Sealed | None:
    """Sign one checkpoint over what was recorded since the last one, `BATCH` at most.

    Also signs the present checkpoint with a key that has not signed it yet.

    Args:
        connection: the caller holds `LOCK` on it.
        file: the keys.

    Returns:
        The new checkpoint; None if there was nothing to do.

    Raises:
        Refused: signing would contradict what was signed before.
        KeyFileError: there are no keys.
    """
    with connection.transaction(), connection.cursor() as cursor:
        last = tiles.latest(cursor)
        keys = read_keys(file) if last else ensure_keys(file)
        mark = read_mark(file, keys)
        end = tiles.committed(cursor)
        if last and end == last.size:
            return _sign_again(cursor, last, keys)
        tree = _trusted(cursor, last, keys, end, mark)
        if mark and end < mark.size:
            raise Refused(finding(Fault.LOG_ROLLED_BACK, size=end, kept=mark.size))
        # After a crash between noting and committing, the tree that was noted comes first.
        until = max(min(end, tree.size + BATCH), mark.size if mark else 0)
        text = _grow(cursor, tree, until, mark, keys.origin)
        if last and not _extends(cursor, last, tree):
            raise Refused(finding(Fault.LOG_FORKED, kept=last.size))
        note = Note(text, tuple(key.sign(text) for key in keys.signing))
        write_mark(file, note)
        _add_signatures(cursor, tree.size, keys, note)
        cursor.execute("SELECT pg_notify('quartier_checkpoints', %s)", [str(tree.size)])
    signers, lines = tuple(map(str, keys.active)), tuple(map(str, note.signatures))
    return Sealed(tree.size, tree.root(), text, signers, lines)


def _sign_again(cursor: Cursor, last: Sealed, keys: LogKeys) -> Sealed | None:
    """Add what keys that are new since then have to sign."""
    signed = {(line.name, line.key_id) for line in last.note().signatures}
    if all((key.name, key.id) in signed for key in keys.active):
        return None
    _demand_ours(last, keys)
    note = Note(last.text, tuple(key.sign(last.text) for key in keys.signing))
    _add_signatures(cursor, last.size, keys, note)
    return tiles.latest(cursor)


def _add_signatures(cursor: Cursor, size: int, keys: LogKeys, note: Note) -> None:
    cursor.executemany(
        "INSERT INTO log_signature (size, key, line) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [
            (size, str(key), str(line))
            for key, line in zip(keys.active, note.signatures, strict=True)
        ],
    )


def _trusted(
    cursor: Cursor, last: Sealed | None, keys: LogKeys, end: int, mark: Checkpoint | None
) -> Frontier:
    """The right edge of the tree that was signed last, once it is known to be that tree."""
    if last is None:
        return Frontier()
    _demand_ours(last, keys)
    if end < last.size:
        raise Refused(finding(Fault.LOG_CUT, size=end, sealed=last.size))
    read = tiles.hash_reader(cursor, last.size)
    try:
        tree = frontier(last.size, read)
        kept = root_hash(mark.size, read) if mark and mark.size <= last.size else None
    except LookupError as error:
        raise Refused(finding(Fault.TILE_ALTERED, tile=str(error))) from error
    if tree.root() != last.root:
        raise Refused(finding(Fault.CHECKPOINT_ALTERED, size=last.size))
    if mark and kept and kept != mark.root:
        raise Refused(finding(Fault.LOG_FORKED, kept=mark.size))
    start = last.size - last.size % TILE_WIDTH
    if start < last.size:
        known = tiles.read_tile(cursor, Tile(0, start // TILE_WIDTH, last.size - start))
        _demand_unchanged(cursor, start, known)
    return tree


def _demand_ours(last: Sealed, keys: LogKeys) -> None:
    """Refuse to go on from a checkpoint that these keys have not signed."""
    try:
        last.note().verified(keys.known)
        why = "" if last.checkpoint().origin == keys.origin else "it is another log's"
    except NoteError as error:
        why = str(error)
    if why:
        raise Refused(finding(Fault.CHECKPOINT_NOT_OURS, size=last.size, why=why))


def _demand_unchanged(cursor: Cursor, start: int, known: bytes) -> None:
    """Refuse if the newest sealed decisions are not those that were sealed."""
    hashes = [known[at : at + HASH_SIZE] for at in range(0, len(known), HASH_SIZE)]
    found = {leaf.position: leaf for leaf in tiles.leaves(cursor, start, start + len(hashes))}
    for position, expected in enumerate(hashes, start + 1):
        if position not in found:
            raise Refused(finding(Fault.EVENT_MISSING, position=position))
        if leaf_hash(found[position].entry()) != expected:
            raise Refused(finding(Fault.EVENT_ALTERED, position=position))


def _grow(cursor: Cursor, tree: Frontier, until: int, mark: Checkpoint | None, origin: str) -> str:
    """Add leaves up to that size, store the tiles and the checkpoint; the text to be signed."""
    old = tree.size
    added = []
    for leaf in tiles.leaves(cursor, old, until):
        if leaf.position != tree.size + 1:
            break
        added.append(leaf_hash(leaf.entry()))
        tree.append(added[-1])
        if mark and tree.size == mark.size and tree.root() != mark.root:
            raise Refused(finding(Fault.LOG_FORKED, kept=mark.size))
    if tree.size != until:
        raise Refused(finding(Fault.EVENT_MISSING, position=tree.size + 1))
    _store_tiles(cursor, old, added)
    text = Checkpoint(origin, until, tree.root()).text()
    loose = added[max(0, until - until % TILE_WIDTH - old) :]
    cursor.execute(
        "INSERT INTO log_checkpoint (size, root, text, tail) VALUES (%s, %s, %s, %s)",
        [until, tree.root(), text, b"".join(loose)],
    )
    return text


def _store_tiles(cursor: Cursor, old: int, added: list[bytes]) -> None:
    """Store the tiles that the leaves added to a tree of `old` make full, of every level."""
    hashes, level = added, 0
    while hashes:
        first, loose = divmod(old >> TILE_HEIGHT * level, TILE_WIDTH)
        row = b"".join(hashes)
        if loose:
            row = tiles.read_tile(cursor, Tile(level, first, loose)) + row
        span = TILE_WIDTH * HASH_SIZE
        full = [row[at : at + span] for at in range(0, len(row) - span + 1, span)]
        hashes = [tile_root(each) for each in full]
        cursor.executemany(
            "INSERT INTO log_tile (level, index, hashes, root) VALUES (%s, %s, %s, %s)",
            [(level, first + n, full[n], hashes[n]) for n in range(len(full))],
        )
        level += 1


def _extends(cursor: Cursor, last: Sealed, tree: Frontier) -> bool:
    """Whether what is stored now proves that the new tree extends the one signed last."""
    proof = consistency_proof(last.size, tree.size, tiles.hash_reader(cursor, tree.size))
    return verify_consistency(last.size, tree.size, last.root, tree.root(), proof)


# --- How far it is ------------------------------------------------------------------------------


def unsealed(cursor: Cursor) -> int:
    """How many decisions are recorded and not yet under a signed checkpoint."""
    return tiles.committed(cursor) - tiles.sealed_size(cursor)


def wait_until_sealed(cursor: Cursor, position: int, seconds: float = 2.0) -> bool:
    """Wait until the decision at that position is under a signed checkpoint, if it soon is."""
    until = time.monotonic() + seconds
    sealed = partial(tiles.sealed_size, cursor)
    while sealed() < position:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
