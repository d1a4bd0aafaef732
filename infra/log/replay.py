"""Reading history so that it is known to be the one that was sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.database.connection import dedicated
from infra.eventstore.store import COLUMNS, recorded_of
from infra.log import tiles
from infra.log.findings import Fault, finding
from infra.log.leaf import leaf_of
from infra.log.merkle import Frontier, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Generator

    from domain.kernel.decision import Recorded
    from infra.log.findings import LogFinding

FETCHED: Final = 2_000
"""Rows that are fetched at once."""


class NotAsSealed(Exception):
    """What was read is not what was sealed: nothing that came of it counts."""

    def __init__(self, found: LogFinding) -> None:
        super().__init__(str(found))
        self.finding = found


def verified() -> Generator[Recorded[Any], None, None]:
    """Every sealed decision, by position, while the tree over them is grown again.

    Whoever reads to the end without an exception has folded exactly what the newest checkpoint is
    over. Whose signature that bears is another question: `integrity.py` answers it.

    Raises:
        NotAsSealed: at the end, if the decisions have another root; at once where one is missing.
    """
    with dedicated() as connection:
        with connection.cursor() as cursor:
            sealed = tiles.latest(cursor) or tiles.NOTHING
        tree = Frontier()
        while tree.size < sealed.size:  # each fetch a transaction of its own: docs/adr/0004
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM event WHERE position > %s AND position <= %s"  # noqa: S608
                " ORDER BY position LIMIT %s",
                [tree.size, sealed.size, FETCHED],
                binary=True,
            ).fetchall()
            if not rows:
                raise NotAsSealed(finding(Fault.EVENT_MISSING, position=tree.size + 1))
            for row in rows:
                if row[0] != tree.size + 1:
                    raise NotAsSealed(finding(Fault.EVENT_MISSING, position=tree.size + 1))
                tree.append(leaf_hash(leaf_of(row).entry()))
                yield recorded_of(row)
        if tree.root() != sealed.root:
            raise NotAsSealed(finding(Fault.CHECKPOINT_ALTERED, size=sealed.size))
