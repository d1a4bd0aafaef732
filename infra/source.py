"""The event store as read models are given it (`projections/source.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg

from infra.database import cursor, dedicated
from infra.store import COLUMNS, events_after, log_size, recorded_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from domain.decision import Recorded
    from domain.values import ContractId

STREAMED: Final = 2_000
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
        """All decisions up to that position, by contract and version, some at a time."""
        with dedicated() as connection:
            connection.autocommit = False
            with psycopg.ServerCursor[Any](connection, "by_contract") as rows:
                rows.itersize = STREAMED
                rows.execute(
                    f"SELECT {COLUMNS} FROM event WHERE position <= %s"  # noqa: S608
                    " ORDER BY contract, version",
                    [until],
                )
                yield from map(recorded_of, rows)
