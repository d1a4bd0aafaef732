"""A log of the test's own: its database, its keys, and decisions to seal."""

import contextlib
import itertools

import psycopg
import pytest

from infra.database.connection import dedicated
from infra.eventstore.append import Write, append
from infra.log import tiles
from infra.log.keys import LogKeys, write_keys
from infra.log.sealing import seal_all

ORIGIN = "log.example/quartier"


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    """A key file with one key."""
    file = tmp_path / "log-key"
    write_keys(file, LogKeys.generate(ORIGIN), new=True)
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(file))
    return file


@pytest.fixture
def cursor(database):
    """A cursor of a connection of the test's own, as the application's role."""
    with dedicated() as connection, connection.cursor() as cursor:
        yield cursor


@pytest.fixture
def record(database):
    """Records decisions: `record(3)`, `record(3, "grottes")`, `record(1, evidence=[…])`."""
    versions = {}

    def record(count, contract="paquis", **circumstances):
        numbers = versions.setdefault(contract, itertools.count(1))
        for start in range(0, count, 1000):
            events = [
                event(contract, next(numbers), circumstances)
                for _ in range(min(1000, count - start))
            ]
            append(Write(events))

    return record


def event(contract, version, circumstances):
    return {
        "contract": contract,
        "version": version,
        "type": "promotion-activity-held",
        "schema": 1,
        "body": "community_unit",
        "decided_on": "2014-03-05",
        "recorded_by": "coordination",
        "payload": {
            "data": {"audience": "Habitant-e-s", "means": "stall", "place": f"Place n° {version}"},
            **circumstances,
        },
    }


@pytest.fixture
def sealed(record, key_file, cursor):
    """Records and seals: `sealed(3)` gives the checkpoint."""

    def sealed(count, contract="paquis"):
        record(count, contract)
        return seal_all(key_file) or tiles.latest(cursor)

    return sealed


@pytest.fixture
def intruder(database):
    """Somebody with every right, who has put the triggers aside."""
    with (
        contextlib.closing(psycopg.connect(database.url, autocommit=True)) as connection,
        connection.cursor() as cursor,
    ):
        for table in ("event", "log_tile", "log_checkpoint", "log_signature"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
