"""The event store as read models are given it (`projections/engine/source.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.database.connection import cursor, dedicated
from infra.eventstore.store import COLUMNS, events_after, log_size, recorded_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId

FETCHED: Final = 2_000
"""Rows that are fetched at once where everything is read."""


class StoredEvents:
    """Decisions out of the table `event`."""

    def end(self) -> int:
        """The position of the last decision; 0 before the first."""
        return log_size()

    def after(self, position: int, limit: int) -> Iterator[Recorded[Any]]:
        """Decisions after that position, in order, at most `limit`."""
        return events_after(position, limit)

    def history(self, contract: ContractId) -> Sequence[Recorded[Any]]:
        """All decisions of one contract, by version."""
        rows = cursor().execute(
            f"SELECT {COLUMNS} FROM event WHERE contract = %s ORDER BY version",  # noqa: S608
            [contract],
        )
        return [recorded_of(row) for row in rows]

    def by_contract(self, until: int) -> Generator[Recorded[Any], None, None]:
        """All decisions up to that position, by contract and version, some at a time.

        No transaction lasts longer than one fetch: a snapshot held for minutes would keep every
        dead version of the counter row, which each append then has to step over. It is not needed
        either, since up to a position nothing is ever added or changed.
        """
        last: tuple[str, int] = ("", 0)
        with dedicated() as connection, connection.cursor(binary=True) as cursor:
            while True:
                rows = cursor.execute(
                    f"SELECT {COLUMNS} FROM event"  # noqa: S608 - constants only
                    " WHERE (contract, version) > (%s, %s) AND position <= %s"
                    " ORDER BY contract, version LIMIT %s",
                    [*last, until, FETCHED],
                    prepare=False,  # a plan for any contract might sort everything, each time
                ).fetchall()
                yield from map(recorded_of, rows)
                if len(rows) < FETCHED:
                    return
                last = rows[-1][1:3]
