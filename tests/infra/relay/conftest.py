"""A log and topics of each test's own."""

import secrets

import pytest

from infra.broker.kafka_client import Cluster
from tests.infra.relay.story import Log


@pytest.fixture
def log(database):
    log = Log(database.url)
    yield log
    log.close()


@pytest.fixture
def cluster(kafka):
    """Topics of the test's own on the broker: their names have a prefix."""
    return Cluster({"bootstrap.servers": kafka}, f"t{secrets.token_hex(6)}.")


@pytest.fixture
def finance(postgres):
    """The address of an empty database that has nothing to do with Quartier's."""
    name = f"finance_{secrets.token_hex(6)}"
    postgres.execute("CREATE DATABASE {name} TEMPLATE template0", name=name)
    yield postgres.address(name)
    postgres.execute("DROP DATABASE {name} WITH (FORCE)", name=name)
