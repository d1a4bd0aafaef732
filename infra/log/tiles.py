"""What is stored of the log, and the tiles that are read from it.

Stored are full tiles, and with each checkpoint the leaves that no full tile holds yet. Every
partial tile, of any width, follows from those: so nothing that was stored is ever changed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from infra.log.leaf import COLUMNS, Leaf
from infra.log.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    TILE_WIDTH,
    Tile,
    frontier,
    leaf_hash,
    needed_tiles,
    tile_reader,
)
from infra.log.notes import Checkpoint, Note, NoteError, Signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    import psycopg

    from infra.log.merkle import HashReader

    Cursor = psycopg.Cursor[tuple[Any, ...]]


T = TypeVar("T")


class NotStored(LookupError):
    """A part of the sealed log that must be stored is not: somebody has taken it away."""


class Sealed(NamedTuple):
    """A checkpoint as it is stored, with its signature lines and the public key of each.

    sealed_at: when it was signed; None if it was not read from the store.
    """

    size: int
    root: bytes
    text: str
    signers: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    sealed_at: datetime | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The log's own public keys that signed it: not the witnesses'."""
        origin = self.text.partition("\n")[0]
        return tuple(key for key in self.signers if key.partition("+")[0] == origin)

    def note(self) -> Note:
        """The signed note: what is served.

        Raises:
            NoteError: what is stored is not a note.
        """
        return Note(self.text, tuple(map(Signature.parse, self.lines)))

    def checkpoint(self) -> Checkpoint:
        """What its text says.

        Raises:
            NoteError: the text is not a checkpoint, or not of this size and root.
        """
        said = Checkpoint.parse(self.text)
        if (said.size, said.root) != (self.size, self.root):
            raise NoteError("the text of the checkpoint says something else than its columns")
        return said


NOTHING = Sealed(0, EMPTY_ROOT, "")
"""Before the first checkpoint."""

_SEALED = """
    SELECT size, root, text,
        ARRAY(SELECT key FROM log_signature s WHERE s.size = log_checkpoint.size ORDER BY id),
        ARRAY(SELECT line FROM log_signature s WHERE s.size = log_checkpoint.size ORDER BY id),
        sealed_at
    FROM log_checkpoint
"""


def latest(cursor: Cursor) -> Sealed | None:
    """The checkpoint of the largest tree; None before the first."""
    return _sealed(cursor.execute(f"{_SEALED} ORDER BY size DESC LIMIT 1"))


def checkpoint_at(cursor: Cursor, size: int) -> Sealed | None:
    """The checkpoint of the tree of exactly that size."""
    return _sealed(cursor.execute(f"{_SEALED} WHERE size = %s", [size]))


def checkpoints_after(cursor: Cursor, size: int, limit: int) -> Iterator[Sealed]:
    """Checkpoints of larger trees, in order; at most `limit`."""
    rows = cursor.execute(f"{_SEALED} WHERE size > %s ORDER BY size LIMIT %s", [size, limit])
    return map(_sealed_of, rows)


def _sealed(found: Cursor) -> Sealed | None:
    row = found.fetchone()
    return None if row is None else _sealed_of(row)


def _sealed_of(row: tuple[Any, ...]) -> Sealed:
    return Sealed._make((*row[:3], tuple(row[3]), tuple(row[4]), row[5]))


def sealed_size(cursor: Cursor) -> int:
    """How many leaves are under a signed checkpoint."""
    return _one(cursor.execute("SELECT coalesce(max(size), 0) FROM log_checkpoint"))


def committed(cursor: Cursor) -> int:
    """How many decisions were recorded."""
    return _one(cursor.execute("SELECT size FROM event_log"))


def _one(found: Cursor) -> int:
    row = found.fetchone()
    assert row is not None  # noqa: S101 - an aggregate, and a table of one row
    return int(row[0])


# --- Tiles --------------------------------------------------------------------------------------

_TILES: Final = """
    SELECT coalesce(
        (SELECT hashes FROM log_tile WHERE level = wanted.level AND index = wanted.index),
        CASE WHEN wanted.level = 0 THEN (
            SELECT string_agg(tail, '' ORDER BY size) FROM log_checkpoint
            WHERE size > wanted.index * 256 AND size < wanted.index * 256 + 256
        ) ELSE (
            SELECT string_agg(root, '' ORDER BY index) FROM log_tile
            WHERE level = wanted.level - 1
                AND index >= wanted.index * 256 AND index < wanted.index * 256 + wanted.width
        ) END,
        ''
    )
    FROM unnest(%s::int[], %s::bigint[], %s::int[])
        WITH ORDINALITY AS wanted (level, index, width, place)
    ORDER BY place
"""


def read_tiles(cursor: Cursor, wanted: Sequence[Tile]) -> dict[Tile, bytes]:
    """The hashes of tiles, each end to end, in one query.

    Raises:
        NotStored: one is not stored, or is wider than the sealed tree has it.
    """
    columns = [[getattr(tile, part) for tile in wanted] for part in ("level", "index", "width")]
    found = {}
    for tile, (hashes,) in zip(wanted, cursor.execute(_TILES, columns, binary=True), strict=True):
        if len(hashes) < tile.width * HASH_SIZE:
            raise NotStored(f"tile {tile.path()} is not stored")
        found[tile] = bytes(hashes[: tile.width * HASH_SIZE])
    return found


def read_tile(cursor: Cursor, tile: Tile) -> bytes:
    """The hashes of one tile, end to end.

    Raises:
        NotStored: it is not stored, or is wider than the sealed tree has it.
    """
    return read_tiles(cursor, [tile])[tile]


def make(cursor: Cursor, size: int, making: Callable[[HashReader], T]) -> T:
    """What is made of the hashes of the sealed tree of that size, its tiles read in one query.

    Raises:
        NotStored: a tile is not stored.
    """
    found = read_tiles(cursor, needed_tiles(size, making))
    return making(tile_reader(size, found.__getitem__))


def root_at(cursor: Cursor, size: int) -> bytes | None:
    """The root of the tree over the first `size` decisions; None if fewer are recorded.

    As far as they were sealed, it is made of what was stored then.

    Raises:
        LookupError: a tile is not stored.
    """
    sealed = sealed_size(cursor)
    tree = make(cursor, sealed, partial(frontier, min(sealed, size)))
    for leaf in leaves(cursor, tree.size, size):
        tree.append(leaf_hash(leaf.entry()))
    return tree.root() if tree.size == size else None


# --- Entries ------------------------------------------------------------------------------------


def leaves(cursor: Cursor, start: int, end: int) -> Iterator[Leaf]:
    """The leaves of the decisions themselves, `start <= index < end`, as they now stand."""
    rows = cursor.execute(
        f"SELECT {COLUMNS} FROM event WHERE position > %s AND position <= %s ORDER BY position",  # noqa: S608 - constants
        [start, end],
    )
    return map(Leaf._make, rows)


def read_entries(cursor: Cursor, index: int, width: int) -> bytes:
    """An entry bundle: each entry after its length, two bytes, big-endian.

    Raises:
        NotStored: decisions are missing.
    """
    first = index * TILE_WIDTH
    bundle = bytearray()
    expected = first + 1
    for leaf in leaves(cursor, first, first + width):
        if leaf.position != expected:
            break
        entry = leaf.entry()
        bundle += len(entry).to_bytes(2) + entry
        expected += 1
    if expected != first + width + 1:
        raise NotStored(f"decision {expected} is missing")
    return bytes(bundle)
