"""What an error that ended a command means to whoever ran it.

Loaded when there is one: a command that asks no database need not know the errors of databases.
"""

from __future__ import annotations

import os

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError

from domain.kernel.payload import UnreadableEvent
from infra.cli.terminal import USED_WRONGLY, Failure, plain
from infra.embedded.embedded_place import EmbeddedPostgresError


def failure(error: Exception) -> Failure | None:
    """The error in a sentence, with its exit status; None where only a traceback says more."""
    match error:
        case ImproperlyConfigured():
            return Failure(plain(error), USED_WRONGLY)
        case EmbeddedPostgresError() | UnreadableEvent():
            return Failure(plain(error))
        case psycopg.Error() | DatabaseError() if not os.environ.get("QUARTIER_TRACEBACK"):
            return Failure(plain(_of_database(error)))
        case _:
            return None


def _of_database(error: Exception) -> str:
    cause = error.__cause__ or error
    said = str(error).strip().splitlines() or [type(error).__name__]
    if (
        isinstance(cause, psycopg.errors.UndefinedTable)
        or '"quartier_app" does not exist' in said[0]
    ):
        return f"The database is not migrated ({said[0]}). Run: quartier migrate"
    if isinstance(cause, psycopg.OperationalError):
        return f"The database does not answer: {' '.join(line.strip() for line in said)}"
    return f"The database refused: {said[0]} (QUARTIER_TRACEBACK=1 shows where)"
