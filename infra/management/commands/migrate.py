"""`migrate`, as the owner of the tables: the application's own role may not make any."""

from typing import Any

from django.core.management.commands import migrate

from infra.database import as_owner


class Command(migrate.Command):
    """Django's own command, with the rights of whoever DATABASE_URL logs in as."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate."""
        with as_owner():
            super().handle(*args, **options)
