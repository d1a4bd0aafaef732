"""Whether what is stored is what was sealed: every decision, every tile, every checkpoint.

Two trees are grown side by side, one from the decisions as they stand and one from the hashes that
were stored when they were sealed. Where they differ, the signed roots say which of them is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from infra.log import tiles
from infra.log.findings import Fault, LogFinding, Refused, finding
from infra.log.keys import KeyFileError, key_file, read_keys, read_mark
from infra.log.merkle import (
    HASH_SIZE,
    TILE_WIDTH,
    Frontier,
    Tile,
    completed_tiles,
    frontier,
    leaf_hash,
    tile_root,
)
from infra.log.notes import Checkpoint, NoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from infra.log.keys import LogKeys
    from infra.log.leaf import Leaf
    from infra.log.tiles import Cursor, Sealed

PAIRS: Final = 64
"""Up to so many decisions that differ, each is compared with each, to find out which were moved."""

PAGE: Final = 256
"""Tiles, or checkpoints, read at a time."""


class Difference(NamedTuple):
    """A position whose decision is not the one sealed there; `leaf` is None where none stands."""

    position: int
    leaf: Leaf | None
    sealed: bytes


class Head(NamedTuple):
    """A checkpoint, beside the roots of both trees at its size."""

    sealed: Sealed
    stands: bytes
    stored: bytes

    @property
    def said(self) -> bytes | None:
        """The root in its text; None if that is not a checkpoint of its size."""
        try:
            return self.sealed.checkpoint().root
        except NoteError:
            return None


@dataclass
class Reading:
    """What one reading of the log has found."""

    differences: list[Difference] = field(default_factory=list)
    lost: set[Tile] = field(default_factory=set)
    heads: list[Head] = field(default_factory=list)

    @property
    def decisions_stand(self) -> bool:
        """The decisions have the newest root that was signed: then it is the hashes that differ."""
        return bool(self.heads) and self.heads[-1].said == self.heads[-1].stands


def log_findings(
    cursor: Cursor,
    *,
    file: Path | None = None,
    kept: Checkpoint | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[LogFinding]:
    """Everything that is wrong with the log; it is read from end to end.

    Args:
        cursor: to read with.
        file: the keys; without them nothing can be said of signatures, nor of what was signed
            last.
        kept: a checkpoint that somebody kept, which the log must extend.
        progress: is told how many decisions were looked at.
    """
    size, committed = tiles.sealed_size(cursor), tiles.committed(cursor)
    found = []
    if committed < size:
        found.append(finding(Fault.LOG_CUT, size=committed, sealed=size))
    reading = read_log(cursor, size, progress)
    lost = set(reading.lost) | set(_unsound_tiles(cursor, size))
    if reading.decisions_stand:
        lost |= {Tile(0, (each.position - 1) // TILE_WIDTH) for each in reading.differences}
    else:
        found += about_decisions(reading.differences)
    paths = sorted(tile.path() for tile in lost)
    found += [finding(Fault.TILE_ALTERED, tile=path) for path in paths]
    found += [
        finding(Fault.CHECKPOINT_ALTERED, size=head.sealed.size)
        for head in reading.heads
        if head.said not in {head.stands, head.stored}
    ]
    found += _against_keys(cursor, size, reading.heads, file)
    found += [] if kept is None else _against(cursor, size, kept)
    return found


def read_log(cursor: Cursor, size: int, progress: Callable[[int], None]) -> Reading:
    """Compare the first `size` decisions with what was stored when they were sealed."""
    reading, stands, stored = Reading(), Frontier(), Frontier()
    heads = _checkpoints(cursor)
    head = next(heads, None)
    if head is not None and head.size == 0:
        reading.heads.append(Head(head, stands.root(), stored.root()))
        head = next(heads, None)
    for start in range(0, size, TILE_WIDTH):
        end = min(start + TILE_WIDTH, size)
        for leaf, known in _compared(cursor, start, end, reading):
            stands.append(leaf)
            stored.append(known)
            if head is not None and head.size == stored.size:
                reading.heads.append(Head(head, stands.root(), stored.root()))
                head = next(heads, None)
        progress(end)
    return reading


def _compared(
    cursor: Cursor, start: int, end: int, reading: Reading
) -> Iterator[tuple[bytes, bytes]]:
    """The hash of each leaf as it stands and as it was stored."""
    stored = _stored(cursor, start, end, reading)
    found = {leaf.position: leaf for leaf in tiles.leaves(cursor, start, end)}
    for index in range(start, end):
        leaf = found.get(index + 1)
        stands = leaf_hash(leaf.entry()) if leaf else bytes(HASH_SIZE)
        known = stored[index - start] if stored else stands
        if leaf is None or stands != known:
            reading.differences.append(Difference(index + 1, leaf, known))
        yield stands, known


def _stored(cursor: Cursor, start: int, end: int, reading: Reading) -> list[bytes]:
    tile = Tile(0, start // TILE_WIDTH, end - start)
    try:
        hashes = tiles.read_tile(cursor, tile)
    except LookupError:
        reading.lost.add(tile)
        return []
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]


def _checkpoints(cursor: Cursor) -> Iterator[Sealed]:
    after = -1
    while page := list(tiles.checkpoints_after(cursor, after, PAGE)):
        yield from page
        after = page[-1].size


# --- Decisions ----------------------------------------------------------------------------------


def about_decisions(differences: Sequence[Difference]) -> list[LogFinding]:
    """What happened to the decisions that differ: gone, altered, swapped, moved."""
    by_position = {each.position: each for each in differences}
    origins = {
        each.position: other
        for each in differences
        if (other := _origin(each, by_position)) is not None
    }
    moved = set(origins.values())
    found = []
    for position, each in by_position.items():
        if position in moved:
            continue
        gone = each.leaf is None or position in origins
        fault = Fault.EVENT_MISSING if gone else Fault.EVENT_ALTERED
        found.append(finding(fault, position=position))
    for position, other in origins.items():
        if origins.get(other) != position:
            found.append(finding(Fault.EVENT_MOVED, position=position, other=other))
        elif position < other:
            found.append(finding(Fault.EVENTS_SWAPPED, position=position, other=other))
    return found


def _origin(each: Difference, differences: dict[int, Difference]) -> int | None:
    """Where the decision that stands at a position was sealed, if it was at another one."""
    if each.leaf is None:
        return None
    near = (each.position - 1, each.position + 1)
    others: Iterable[int] = differences if len(differences) <= PAIRS else near
    for other in others:
        there = differences.get(other)
        if there is None or other == each.position:
            continue
        version = each.leaf.version + other - each.position
        versions = {each.leaf.version, version} | ({there.leaf.version} if there.leaf else set())
        for version in versions:
            leaf = each.leaf._replace(position=other, version=version)
            if leaf_hash(leaf.entry()) == there.sealed:
                return other
    return None


# --- Tiles --------------------------------------------------------------------------------------


def _unsound_tiles(cursor: Cursor, size: int) -> Iterator[Tile]:
    """Tiles that are missing, or whose hashes are not those of the tiles below."""
    level, roots = 0, b""
    while wanted := completed_tiles(level, 0, size):
        above = bytearray()
        for index, hashes, root in _full_tiles(cursor, level, wanted):
            at = index * TILE_WIDTH * HASH_SIZE
            below = roots[at : at + TILE_WIDTH * HASH_SIZE]
            sound = tile_root(hashes) == root if hashes else False
            if not sound or (level > 0 and hashes != below):
                yield Tile(level, index)
            above += root or bytes(HASH_SIZE)
        level, roots = level + 1, bytes(above)


def _full_tiles(
    cursor: Cursor, level: int, wanted: range
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    for start in wanted[::PAGE]:
        rows = cursor.execute(
            "SELECT index, hashes, root FROM log_tile"
            " WHERE level = %s AND index >= %s AND index < %s",
            [level, start, start + PAGE],
        )
        page: dict[int, Any] = {index: (hashes, root) for index, hashes, root in rows}
        for index in range(start, min(start + PAGE, wanted.stop)):
            yield index, *page.get(index, (None, None))


# --- What was signed ----------------------------------------------------------------------------


def _against_keys(
    cursor: Cursor, size: int, heads: Iterable[Head], file: Path | None
) -> list[LogFinding]:
    """Compare the checkpoints with the keys, and the log with what they have signed last."""
    try:
        file = file or key_file()
        keys = read_keys(file)
    except KeyFileError:
        return []
    found = [
        finding(Fault.CHECKPOINT_NOT_OURS, size=head.sealed.size, why=why)
        for head in heads
        if (why := _not_ours(head.sealed, keys))
    ]
    try:
        mark = read_mark(file, keys)
    except Refused as refused:
        return [*found, refused.finding]
    return found + ([] if mark is None else _against(cursor, size, mark))


def _not_ours(sealed: Sealed, keys: LogKeys) -> str:
    """Why a checkpoint is not this log's; empty if it is."""
    try:
        sealed.note().verified(keys.known)
    except NoteError as error:
        return str(error)
    return ""


def _against(cursor: Cursor, size: int, kept: Checkpoint) -> list[LogFinding]:
    """Compare the log with a checkpoint that is known to have been signed."""
    try:
        tree = tiles.make(cursor, size, partial(frontier, min(size, kept.size)))
    except LookupError:
        return []  # the tile that is missing is told already
    # What was signed may be stored a moment later: a crash, or a checkpoint in the making.
    for leaf in tiles.leaves(cursor, tree.size, kept.size):
        tree.append(leaf_hash(leaf.entry()))
    if tree.size < kept.size:
        return [finding(Fault.LOG_ROLLED_BACK, size=tree.size, kept=kept.size)]
    return [] if tree.root() == kept.root else [finding(Fault.LOG_FORKED, kept=kept.size)]
