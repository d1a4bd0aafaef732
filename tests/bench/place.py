"""Where benchmarks run: a PostgreSQL of their own, durable as in production."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.embedded import embedded_postgres


@dataclass(frozen=True)
class Place:
    """A server with a migrated database; `url` is that database's.

    contracts: as many as there are to be where there are to be many.
    """

    server: embedded_postgres.EmbeddedPostgres
    url: str
    contracts: int

    def database(self, name: str) -> str:
        """The address of another database, made if it is missing."""
        return self.server.create(name)


@contextlib.contextmanager
def place(contracts: int) -> Iterator[Place]:
    """Start it, migrate, and point Django at it."""
    folder = Path(tempfile.mkdtemp(prefix="quartier-bench-"))
    server = embedded_postgres.start(folder)
    try:
        url = server.create("quartier")
        os.environ["DATABASE_URL"] = url
        os.environ["DJANGO_SETTINGS_MODULE"] = "infra.conf.settings"
        os.environ["LOG_FORMAT"] = "console"  # what it says of requests is then left out here
        import django  # noqa: PLC0415 - the address comes first
        from django.core.management import call_command  # noqa: PLC0415

        django.setup()
        logging.disable(logging.WARNING)
        call_command("migrate", verbosity=0)
        yield Place(server, url, contracts)
    finally:
        server.stop()
        for gone in {folder, server.place.home, server.place.socket}:
            shutil.rmtree(gone, ignore_errors=True)
