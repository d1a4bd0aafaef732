"""The database, on Django's connection: reading, and what writing read models needs beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
