"""Django's connection as the event store uses it: raw psycopg 3, and as which role."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.signals import connection_created

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER: Final = "quartier-worker"
_BOUNDED: Final = {"application_name": WORKER}
TRANSACTION_TIMEOUT_SINCE: Final = 170_000
TRANSACTION_SECONDS: Final = 8
"""How long a whole transaction may last there: a batch takes less than one."""

IDLE_SECONDS: Final = 8
"""How long a transaction may wait for its program, where `bound_transactions` is in force."""


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
    _bound(own)
    return own


def bound_transactions(seconds: int = IDLE_SECONDS) -> None:
    """Have the server give up transactions of this process that wait so long for it.

    A process that is suspended, or whose machine is gone, would otherwise keep the rows that it
    has locked for ever. To be called before the first connection is opened.
    """
    settings = connections.settings[DEFAULT_DB_ALIAS]
    given = settings["OPTIONS"].get("options", "")
    bounds = {
        "idle_in_transaction_session_timeout": seconds * 1000,
        # Of the server's side, for answers that nobody takes; nothing on a Unix socket.
        "tcp_user_timeout": seconds * 1000,
        "tcp_keepalives_idle": 5,
        "tcp_keepalives_interval": 1,
        "tcp_keepalives_count": 3,
    }
    options = " ".join([given, *(f"-c {name}={value}" for name, value in bounds.items())])
    settings["OPTIONS"] = {**settings["OPTIONS"], "options": options.strip(), **_BOUNDED}
    connection_created.connect(_bound_ours, dispatch_uid="bound_transactions")


def _bound_ours(connection: Any, **_: object) -> None:
    if connection.settings_dict["OPTIONS"].get("application_name") == WORKER:
        _bound(connection.connection)


def _bound(own: psycopg.Connection[Any]) -> None:
    """Bound whole transactions too: a pipeline that waits for its program is no idle one.

    PostgreSQL before 17 cannot.
    """
    ours = connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"].get("application_name") == WORKER
    if ours and own.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
        own.execute(f"SET transaction_timeout = '{TRANSACTION_SECONDS}s'")
