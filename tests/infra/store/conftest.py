"""A database of the test's own, for every test of the event store."""

import psycopg
import pytest

from infra.eventstore.repository import contracts


@pytest.fixture(autouse=True)
def _empty(database):
    """Every test here has the database; what is in memory of another one is let go."""
    contracts.forget()


@pytest.fixture
def owner(database):
    """A connection with the rights of whoever owns the tables."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def altering(owner):
    """Run a statement with the trigger that guards the events out of the way, and put it back."""

    def alter(statement, parameters=()):
        owner.execute("ALTER TABLE event DISABLE TRIGGER event_is_never_changed")
        owner.execute(statement, parameters)
        owner.execute("ALTER TABLE event ENABLE ALWAYS TRIGGER event_is_never_changed")

    return alter
