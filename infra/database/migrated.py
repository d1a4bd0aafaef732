"""Whether the database has the migrations of this program, no fewer and no more."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrations_due() -> int:
    """How many migrations of this program are not applied yet."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def newer_migrations() -> list[str]:
    """Applied migrations that this program does not have, such as `infra.0107_leases`.

    A newer version of the program applied them: tables may not be what this one takes them for.
    """
    loader = MigrationExecutor(connection).loader
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations)
    return sorted(f"{app}.{name}" for app, name in unknown)
