"""The database, on Django's connection: reading, and what writing read models needs beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """A psycopg cursor on this thread's Django connection, inside its transaction if it has one.

    The server binds its parameters and keeps its statements prepared, which Django's cursor does
    not ask for. Its errors are psycopg's own.
    """
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def select(query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """The rows a query finds, in this thread's transaction if there is one."""
    with connection.cursor() as reading:
        reading.execute(query, parameters or None)
        found: list[tuple[Any, ...]] = reading.fetchall()
        return found


def stream(query: str, parameters: Sequence[Any] = (), *, size: int = 1000) -> Iterator[Any]:
    """The rows a query finds, all as of one instant, `size` of them in memory at a time.

    Outside a transaction the server sets them aside first: whoever reads them slowly keeps no
    transaction open.
    """
    with connection.chunked_cursor() as reading:
        reading.execute(query, parameters or None)
        while rows := reading.fetchmany(size):
            yield from rows
