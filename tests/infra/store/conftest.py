"""A database of the test's own, for every test of the event store."""

import psycopg
import pytest

from infra.contracts import contracts


@pytest.fixture(autouse=True)
def _empty(database):
    """Every test here has the database; what is in memory of another one is let go."""
    contracts.forget()


@pytest.fixture
def owner(database):
    """A connection with the rights of whoever owns the tables."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection
