"""The proof of one decision: a file that shows, offline, that the log has it.

    {"format": "quartier-proof/1",
     "entry": "{…}",            the leaf's entry, as it is hashed
     "payload": "{…}",          the decision's content, as it was recorded
     "index": 1, "size": 3,     which leaf of which tree
     "hashes": ["…"],           the audit path, base64, from the leaf's sibling up
     "checkpoint": "…",         the signed note over the root
     "key": "…"}                the public keys that signed it, one a line

`infra/evidence/verifier` checks it. The same as C2SP tlog-proof is text, for other programs.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson

from infra.eventstore.store import COLUMNS
from infra.log import tiles
from infra.log.leaf import leaf_of
from infra.log.merkle import consistency_proof, inclusion_proofs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.log.tiles import Cursor, Sealed

FORMAT: Final = "quartier-proof/1"
TLOG_FORMAT: Final = "c2sp.org/tlog-proof@v1"


class NotSealed(LookupError):
    """It is recorded, and not under a signed checkpoint yet: within a second or so it is."""


class NoSuchPosition(LookupError):
    """Nothing is recorded at that position."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That the log has one decision."""

    entry: str
    payload: str
    index: int
    hashes: tuple[bytes, ...]
    sealed: Sealed

    def as_json(self) -> dict[str, Any]:
        """The proof as a JSON value."""
        return {
            "format": FORMAT,
            **self._own(),
            "index": self.index,
            "size": self.sealed.size,
            "hashes": encoded(self.hashes),
            "checkpoint": str(self.sealed.note()),
        }

    def as_text(self) -> str:
        """The proof as C2SP tlog-proof; entry, payload and key are in its `extra` line."""
        extra = b64encode(orjson.dumps(self._own())).decode()
        lines = [TLOG_FORMAT, f"extra {extra}", f"index {self.index}", *encoded(self.hashes)]
        return "\n".join(lines) + f"\n\n{self.sealed.note()}"

    def _own(self) -> dict[str, str]:
        return {"entry": self.entry, "payload": self.payload, "key": "\n".join(self.sealed.keys)}


def proof(cursor: Cursor, position: int) -> Proof:
    """The proof of the decision at a position, under the latest checkpoint.

    Raises:
        NoSuchPosition: there is none.
        NotSealed: it is not under a checkpoint yet.
    """
    sealed = tiles.latest(cursor) or tiles.NOTHING
    query = f"SELECT {COLUMNS} FROM event WHERE position = %s"  # noqa: S608 - constants
    row = cursor.execute(query, [position]).fetchone() if 0 < position < 2**63 else None
    if row is None:
        raise NoSuchPosition(position)
    if position > sealed.size:
        raise NotSealed(position)
    return prove(cursor, sealed, [row])[0]


def prove(cursor: Cursor, sealed: Sealed, rows: Sequence[tuple[Any, ...]]) -> list[Proof]:
    """The proofs of several decisions under one checkpoint.

    Args:
        cursor: to read tiles with.
        sealed: the checkpoint; all of the decisions are under it.
        rows: of `infra.eventstore.store.COLUMNS`.
    """
    indices = [row[0] - 1 for row in rows]
    paths = audit_paths(cursor, sealed, indices)
    return [
        Proof(leaf_of(row).entry().decode(), row[-1], index, tuple(path), sealed)
        for row, index, path in zip(rows, indices, paths, strict=True)
    ]


AT_ONCE: Final = 256
"""Audit paths whose tiles, of 8 KB each, are in memory at the same time."""


def audit_paths(cursor: Cursor, sealed: Sealed, indices: Sequence[int]) -> Iterator[list[bytes]]:
    """The audit paths of leaves under one checkpoint, in their order."""
    for first in range(0, len(indices), AT_ONCE):
        some = indices[first : first + AT_ONCE]
        yield from tiles.make(cursor, sealed.size, partial(inclusion_proofs, some, sealed.size))


def consistency(cursor: Cursor, old: int, sealed: Sealed) -> dict[str, Any]:
    """That the tree of a checkpoint begins with the tree of `old` leaves, as a JSON value.

    Raises:
        ValueError: `old` is negative or larger than the tree.
    """
    hashes = tiles.make(cursor, sealed.size, partial(consistency_proof, old, sealed.size))
    return {"old": old, "size": sealed.size, "hashes": encoded(hashes)}


def encoded(hashes: Sequence[bytes]) -> list[str]:
    """Hashes in base64."""
    return [b64encode(each).decode() for each in hashes]
