"""Migrations need an owner of the database, not a superuser; and there is no way back."""

import secrets
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db.migrations.exceptions import IrreversibleError
from psycopg import sql

SQL = sorted((Path(__file__).parents[3] / "infra" / "sql").glob("*.sql"))


@pytest.fixture
def limited(owner, postgres):
    """A connection to a new database, as its owner, who is nothing more than that."""
    name = f"limited_{secrets.token_hex(4)}"
    postgres.execute("CREATE ROLE {name} LOGIN", name=name)
    postgres.execute("CREATE DATABASE {name} OWNER {name} TEMPLATE template0", name=name)
    try:
        with psycopg.connect(postgres.address(name), autocommit=True) as connection:
            connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(name)))
            yield connection
    finally:
        postgres.execute("DROP DATABASE {name} WITH (FORCE)", name=name)
        postgres.execute("DROP ROLE {name}", name=name)


def migrate(connection):
    for file in SQL:
        connection.execute(file.read_text("utf-8").encode())


def test_who_may_not_give_himself_the_role_is_told(limited):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="quartier_app"):
        migrate(limited)


def test_an_owner_who_was_given_the_role_migrates_and_appends(limited, postgres):
    (name,) = limited.execute("SELECT session_user").fetchone()
    postgres.execute("GRANT quartier_app TO {name}", name=name)
    migrate(limited)
    limited.execute("SET ROLE quartier_app")
    row = limited.execute(
        """
        SELECT last_position FROM append(
            '[{"contract": "a", "version": 1, "type": "t", "schema": 1, "body": "b",
               "decided_on": "2014-03-01", "recorded_by": "r", "payload": {}}]', NULL, NULL)
        """
    )
    assert row.fetchone() == (1,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        limited.execute("UPDATE event_log SET size = 0")


def test_there_is_no_way_back(database):
    with pytest.raises(IrreversibleError):
        call_command("migrate", "infra", "zero", verbosity=0)


def test_migrating_again_does_nothing(database):
    call_command("migrate", check_unapplied=True, verbosity=0)
    call_command("migrate", verbosity=0)
