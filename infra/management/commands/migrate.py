"""`migrate`, as the owner of the tables: the application's own role may not make any."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connection

from infra.database.connection import as_owner

LET_READ = """
DO $$
BEGIN
    IF to_regclass('django_migrations') IS NOT NULL AND to_regrole('quartier_app') IS NOT NULL THEN
        GRANT SELECT ON django_migrations TO quartier_app;
    END IF;
END
$$
"""
"""The application says of itself whether it is ready: it must see which migrations were applied."""


class Command(migrate.Command):
    """Django's own command, with the rights of whoever DATABASE_URL logs in as."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate."""
        with as_owner():
            super().handle(*args, **options)
            with connection.cursor() as cursor:
                cursor.execute(LET_READ)
