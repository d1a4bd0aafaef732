"""The sealer: adds to the tree what was recorded since the last checkpoint, and signs it.

Before it signs, the tree that was signed last is computed again from what is stored, and from the
newest decisions themselves. Where that is not the tree that was signed, nothing is signed any more:
a log that contradicts itself is of no use, and whoever altered it is not to have it signed.
`sealing.py` says who does it when.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from infra.database.lease import LeaseLost
from infra.log import tiles
from infra.log.findings import Fault, Refused, finding
from infra.log.keys import (
    LogKeys,
    ensure_keys,
    read_keys,
    read_mark,
    write_mark,
)
from infra.log.merkle import (
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
from infra.log.notes import Checkpoint, Note, NoteError
from infra.log.tiles import Sealed

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from infra.database.lease import Lease
    from infra.log.tiles import Cursor

    Connection = psycopg.Connection[tuple[Any, ...]]

BATCH: Final = 16 * TILE_WIDTH
"""Decisions under one new checkpoint, at most."""


EARLIER_LOCK: Final = 0x7175_6172_7469_6572
"""The advisory lock of a sealer of an earlier program: while versions change, both run."""


def seal(connection: Connection, file: Path, lease: Lease | None = None) -> Sealed | None:
    """Sign one checkpoint over what was recorded since the last one, `BATCH` at most.

    Also signs the present checkpoint with a key that has not signed it yet.

    Args:
        connection: in autocommit.
        file: the keys.
        lease: what the caller holds; None where nobody else can seal.

    Returns:
        The new checkpoint; None if there was nothing to do.

    Raises:
        Refused: signing would contradict what was signed before.
        KeyFileError: there are no keys.
        LeaseLost: another process seals by now.
    """
    with connection.transaction(), connection.cursor() as cursor:
        if lease is not None:
            lease.demand(cursor)
            _demand_no_earlier(cursor)
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


def _demand_no_earlier(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [EARLIER_LOCK])
    if cursor.fetchone() != (True,):
        raise LeaseLost("a sealer of an earlier program")


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
    try:
        tree = tiles.make(cursor, last.size, partial(frontier, last.size))
        kept = None
        if mark and mark.size <= last.size:
            kept = tiles.make(cursor, last.size, partial(root_hash, mark.size))
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
    proof = tiles.make(cursor, tree.size, partial(consistency_proof, last.size, tree.size))
    return verify_consistency(last.size, tree.size, last.root, tree.root(), proof)
