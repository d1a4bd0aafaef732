"""Django's connection as the event store uses it: raw psycopg 3, and as which role."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections

if TYPE_CHECKING:
    from collections.abc import Iterator


def cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """A psycopg cursor on this thread's Django connection, inside its transaction if it has one.

    Parameters are bound by the server and statements prepared, which Django's cursor never does.
    Its errors are psycopg's own.
    """
    ours = connections[DEFAULT_DB_ALIAS]  # looked up once: `connection` looks at every use
    if ours.connection is not None and ours.connection.closed and not ours.in_atomic_block:
        forget_connection()  # the server went away meanwhile
    if ours.connection is None:
        ours.ensure_connection()
    return psycopg.Cursor(ours.connection)


def forget_connection() -> None:
    """Give up this thread's connection after a failure; the next use opens another."""
    with contextlib.suppress(Exception):
        connection.close()


@contextlib.contextmanager
def as_owner() -> Iterator[None]:
    """Work as whoever DATABASE_URL logs in as, in this thread: to make and to swap tables.

    Everything else works as `quartier_app`, which owns nothing. Begins and ends with a new
    connection, so it must not be entered inside a transaction.
    """
    shared = connection.settings_dict
    options = {key: value for key, value in shared["OPTIONS"].items() if key != "assume_role"}
    connection.close()
    connection.settings_dict = {**shared, "OPTIONS": options}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = shared


def dedicated() -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of the caller's own, in autocommit: for LISTEN, or a long read."""
    parameters = connection.get_connection_params() | {
        "cursor_factory": psycopg.Cursor,
        "autocommit": True,
    }
    own = psycopg.connect(**parameters)
    if role := connection.settings_dict["OPTIONS"].get("assume_role"):
        own.execute("SELECT set_config('role', %s, false)", [role])
    return own
