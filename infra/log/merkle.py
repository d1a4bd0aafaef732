"""A Merkle tree over a list that only grows (RFC 6962), stored as tiles (C2SP tlog-tiles).

    leaf   SHA-256(0x00 || entry)
    node   SHA-256(0x01 || left || right)

A tree is cut into complete subtrees: the one at `(level, index)` covers the leaves
`[index << level, (index + 1) << level)`. Its hash never changes once it is complete, so that
reading those is enough to make every root and every proof. Eight levels of subtrees make a tile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

HashReader = Callable[[int, int], bytes]
"""Reads the hash of the complete subtree at a level and an index."""

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry, 32 bytes (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node, 32 bytes (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


# --- Trees --------------------------------------------------------------------------------------


class Frontier:
    """The right edge of a growing tree: enough to extend it and to know its root.

    size: the number of leaves.
    peaks: the hashes of the complete subtrees it consists of, largest first: one for each
        one-bit of the size.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf, by its hash."""
        self.size = carry = self.size + 1
        peaks = self.peaks
        while not carry & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            carry >>= 1
        peaks.append(leaf)

    def root(self) -> bytes:
        return _fold(self.peaks)


def frontier(size: int, read: HashReader) -> Frontier:
    """The right edge of the tree of that size, from stored hashes."""
    return Frontier(size, [read(*subtree) for subtree in _complete(0, size)])


def root_hash(size: int, read: HashReader) -> bytes:
    """The root of the tree of that size (RFC 6962, section 2.1)."""
    return _range_hash(0, size, read)


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees that a range consists of, from the left.

    A range of RFC 6962 begins at a multiple of the largest power of two that fits in it.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _range_hash(start: int, end: int, read: HashReader) -> bytes:
    return _fold([read(*subtree) for subtree in _complete(start, end)])


def _fold(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for left in peaks[-2::-1]:
        root = node_hash(left, root)
    return root


def _split(start: int, end: int) -> int:
    """Where a range of more than one leaf divides: the largest power of two below its length."""
    return start + (1 << (end - start - 1).bit_length() - 1)


# --- Inclusion ----------------------------------------------------------------------------------


def _siblings(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges beside the path from a leaf up to the root, from the leaf's sibling on."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    start, end = 0, size
    found = []
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            found.append((split, end))
            end = split
        else:
            found.append((start, split))
            start = split
    return found[::-1]


def inclusion_proof(index: int, size: int, read: HashReader) -> list[bytes]:
    """The audit path of one leaf, from the leaf's sibling up to below the root.

    Args:
        index: zero-based leaf index, `0 <= index < size`.
        size: number of leaves in the tree the proof is for.
        read: reads a stored subtree hash by level and index.

    Returns:
        At most `ceil(log2(size))` hashes of 32 bytes.

    Raises:
        ValueError: `index` is not below `size`.

    Source: RFC 6962, section 2.1.1.
    """
    return [_range_hash(start, end, read) for start, end in _siblings(index, size)]


def inclusion_proofs(indices: Iterable[int], size: int, read: HashReader) -> list[list[bytes]]:
    """The audit path of each leaf, as of `inclusion_proof`; what they share is worked out once."""
    known: dict[tuple[int, int], bytes] = {}

    def hash_of(siblings: tuple[int, int]) -> bytes:
        found = known.get(siblings)
        if found is None:
            found = known[siblings] = _range_hash(*siblings, read)
        return found

    return [[hash_of(each) for each in _siblings(index, size)] for index in indices]


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that a leaf and its audit path lead to: equal to the tree's if both belong to it.

    Raises:
        ValueError: no proof for that leaf and size has that many hashes.
    """
    siblings = _siblings(index, size)
    if len(proof) != len(siblings):
        raise ValueError(f"the proof has {len(proof)} hashes, not {len(siblings)}")
    for (start, _), sibling in zip(siblings, proof, strict=True):
        leaf = node_hash(leaf, sibling) if start > index else node_hash(sibling, leaf)
    return leaf


# --- Consistency --------------------------------------------------------------------------------


def _growth(old: int, new: int) -> tuple[int, list[tuple[int, int]]]:
    """Where the last complete part of the old tree begins, and the ranges beside it, upwards."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} leaves does not extend one of {old}")
    start, end = 0, new
    found = []
    while old != end:
        split = _split(start, end)
        if old <= split:
            found.append((split, end))
            end = split
        else:
            found.append((start, split))
            start = split
    return start, found[::-1]


def consistency_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """That the tree of `new` leaves begins with all the leaves of the tree of `old`, in order.

    Args:
        old: number of leaves of the earlier tree. Anything extends the empty tree: no hashes.
        new: number of leaves of the later tree, not below `old`.
        read: reads a stored subtree hash by level and index.

    Raises:
        ValueError: `old` is above `new`, or negative.

    Source: RFC 6962, section 2.1.2.
    """
    if old == 0:
        return []
    start, beside = _growth(old, new)
    ranges = [(start, old), *beside] if start else beside
    return [_range_hash(*each, read) for each in ranges]


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof shows that the later tree extends the earlier one."""
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if old > new:
        return False
    start, beside = _growth(old, new)
    hashes = list(proof) if start else [old_root, *proof]
    if len(hashes) != len(beside) + 1:
        return False
    before = after = hashes[0]
    for (left, _), sibling in zip(beside, hashes[1:], strict=True):
        if left >= old:
            after = node_hash(after, sibling)
        else:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
    return before == old_root and after == new_root


# --- Tiles --------------------------------------------------------------------------------------

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MAX_LEVEL: Final = 63
_PATH: Final = re.compile(r"(?P<n>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """Up to 256 consecutive hashes of subtrees of `256 ** level` leaves each."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def path(self) -> str:
        """As in an address: `0/x001/x234/067`, and `.p/112` behind it when partial."""
        return f"{self.level}/{index_path(self.index, self.width)}"

    def within(self, size: int) -> bool:
        """Whether the tree of that size has all of its hashes, and it is not empty."""
        end = self.index * TILE_WIDTH + self.width
        return 0 < self.width <= TILE_WIDTH and end <= size >> TILE_HEIGHT * self.level


def index_path(index: int, width: int = TILE_WIDTH) -> str:
    """A tile's index in groups of three digits, all but the last after an `x`."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def parse_index_path(path: str) -> tuple[int, int] | None:
    """The index and the width that a path stands for; None if it is not written that way."""
    if len(path) > 40 or not (found := _PATH.fullmatch(path)):  # noqa: PLR2004 - 2 ** 63 fits
        return None
    index = int(found["n"].replace("x", "").replace("/", ""))
    width = int(found["width"] or TILE_WIDTH)
    return (index, width) if index_path(index, width) == path else None


def completed_tiles(level: int, old: int, new: int) -> range:
    """The indices of the tiles of a level that become full while a tree grows."""
    span = TILE_HEIGHT * (level + 1)
    return range(old >> span, new >> span)


def tile_root(hashes: bytes) -> bytes:
    """The hash of the subtree that 2^n hashes are the bottom of, 32 bytes each, end to end."""
    return _subtrees(hashes)[-1][0]


def _subtrees(hashes: bytes) -> list[list[bytes]]:
    """A tile's hashes, then level by level those of the complete subtrees above them."""
    row = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
    rows = [row]
    while len(row) > 1:
        row = [sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2], strict=False)]
        rows.append(row)
    return rows


def tile_reader(size: int, read_tile: Callable[[Tile], bytes]) -> HashReader:
    """Reads the hashes of a tree of that size out of its tiles, each of which it asks for once.

    Args:
        size: number of leaves; the tiles asked for are as wide as that tree has them.
        read_tile: gives a tile's hashes end to end, 32 bytes each.
    """
    tiles: dict[Tile, list[list[bytes]]] = {}

    def read(level: int, index: int) -> bytes:
        tile, first = _tile_of(level, index, size)
        rows = tiles.get(tile)
        if rows is None:
            rows = tiles[tile] = _subtrees(read_tile(tile))
        height = level % TILE_HEIGHT
        return rows[height][first >> height]

    return read


def needed_tiles(size: int, make: Callable[[HashReader], object]) -> list[Tile]:
    """The tiles of a tree of that size that making something of its hashes asks for."""
    needed: dict[Tile, None] = {}

    def note(level: int, index: int) -> bytes:
        needed[_tile_of(level, index, size)[0]] = None
        return EMPTY_ROOT

    make(note)
    return list(needed)


def _tile_of(level: int, index: int, size: int) -> tuple[Tile, int]:
    """The tile that a subtree is part of, and where in it the subtree's hashes begin."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    tile_index, first = divmod(index << height, TILE_WIDTH)
    width = (size >> TILE_HEIGHT * tile_level) - tile_index * TILE_WIDTH
    return Tile(tile_level, tile_index, min(width, TILE_WIDTH)), first
