"""The store a command works on: the server DATABASE_URL names, or the embedded one.

The embedded server is joined if it runs already, and started for as long as the command if not.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING

import django
from django.core.management import call_command

from infra.conf import environment
from infra.conf.logging import configure, log_format
from infra.embedded import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


def prepare(*, quiet: bool = True) -> None:
    """Configure Django and the logs; settings that are missing are named.

    Args:
        quiet: log warnings and worse only, as befits a command that answers and ends.

    Raises:
        ImproperlyConfigured: by what is wrong with the environment.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.conf.settings")
    configure(log_format())
    _hush(quiet)
    django.setup()
    _hush(quiet)


def _hush(quiet: bool) -> None:
    logging.getLogger().setLevel(logging.WARNING if quiet else logging.INFO)


@contextlib.contextmanager
def database() -> Iterator[embedded_postgres.EmbeddedPostgres | None]:
    """The embedded server for the time of a block; None where DATABASE_URL names another.

    Raises:
        EmbeddedPostgresError: it cannot be started here.
    """
    if os.environ.get("DATABASE_URL") or environment.is_production():
        yield None
        return
    environment.HOME.mkdir(parents=True, exist_ok=True)
    with embedded_postgres.start(environment.POSTGRES_HOME) as server:
        for sentence in server.notes:
            sys.stderr.write(f"{sentence}\n")
        server.create(environment.DATABASE_NAME)
        yield server


@contextlib.contextmanager
def opened(*, quiet: bool = True) -> Iterator[embedded_postgres.EmbeddedPostgres | None]:
    """Django on a running server, for the time of a block: the embedded one, if it is that."""
    configure(log_format())
    _hush(quiet)
    with database() as server:
        prepare(quiet=quiet)
        yield server


def migrate() -> None:
    """Bring the tables to what this program needs; quick where nothing is due."""
    call_command("migrate", verbosity=0)
