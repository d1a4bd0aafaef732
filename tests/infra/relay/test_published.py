"""What Kafka holds of the transparency log outlives the machine that signed it: it is asked."""

from functools import partial

import pytest

from infra.broker import kafka_client
from infra.broker.kafka_client import Cluster
from infra.database.connection import dedicated
from infra.database.lease import leases
from infra.log import tiles
from infra.log.findings import Fault, Refused
from infra.log.keys import LogKeys, mark_file, write_keys
from infra.log.sealer import seal
from infra.log.sealing import Sealer
from infra.relay.published import published_checkpoint
from tests.conftest import _default_database
from tests.infra.relay.story import fund
from tests.infra.relay.test_relay import relay_all
from tests.infra.relay.test_restored import copied, twenty

NOWHERE = Cluster({"bootstrap.servers": "127.0.0.1:1"})


@pytest.fixture
def keys(tmp_path, monkeypatch):
    file = tmp_path / "log-key"
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(file))
    return file


@pytest.fixture
def restored(log, database, postgres, cluster, keys):
    """A backup, older than what was signed and published; the machine and its notes are lost."""
    fund(log, "paquis", 2)
    signed(log, keys)
    name = f"{database.name}_backup"
    other = copied(log, database, postgres, name)
    twenty(log, "10.00")
    signed(log, keys)
    relay_all(log, cluster)
    mark_file(keys).unlink()
    with _default_database(postgres.address(name)):
        yield other
    other.close()
    postgres.execute("DROP DATABASE {name} WITH (FORCE)", name=name)


def signed(log, keys):
    with log.connect() as connection:
        connection.autocommit = True
        return seal(connection, keys)


@pytest.fixture
def sealer(keys):
    made = []

    def make(cluster):
        made.append(Sealer(keys, partial(published_checkpoint, cluster)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def sealed():
    with dedicated() as connection:
        return tiles.sealed_size(connection.cursor())


def refusal(sealer):
    with pytest.raises(Refused) as refused:
        sealer.step()
    sealer.close()
    assert leases()["seal"].note == f"refused: {refused.value.finding.fault}"
    return refused.value.finding


@pytest.mark.kafka
def test_a_log_that_was_put_back_is_not_signed_without_any_note_of_this_machine(
    restored, cluster, sealer
):
    before = sealed()
    found = refusal(sealer(cluster))
    assert found.fault is Fault.LOG_ROLLED_BACK
    assert found.facts == {"size": 10, "kept": 30}
    twenty(restored, "99.00")
    assert refusal(sealer(cluster)).fault is Fault.LOG_FORKED
    fund(restored, "jonction")
    assert refusal(sealer(cluster)).fault is Fault.LOG_FORKED
    assert sealed() == before


@pytest.mark.kafka
def test_the_right_log_is_signed_and_so_is_another_one_with_a_name_of_its_own(
    log, cluster, keys, sealer
):
    fund(log, "paquis")
    signed(log, keys)
    relay_all(log, cluster)
    mark_file(keys).unlink()
    fund(log, "grottes")
    ours = sealer(cluster)
    assert ours.step()
    assert leases()["seal"].note is None
    assert sealed() == 12
    other = LogKeys.generate("log.example/another")
    write_keys(keys, other)
    assert published_checkpoint(cluster, other) is None


@pytest.mark.kafka
def test_what_others_signed_under_our_name_is_not_believed(log, cluster, keys):
    fund(log, "paquis")
    signed(log, keys)
    relay_all(log, cluster)
    name = published_checkpoint(cluster, LogKeys.parse(keys.read_text())).origin
    assert published_checkpoint(cluster, LogKeys.generate(name)) is None


@pytest.mark.kafka
def test_before_anything_was_published_sealing_begins(log, cluster, sealer):
    fund(log, "paquis")
    assert sealer(cluster).step()


def test_without_an_answer_sealing_waits_and_says_so(log, keys, sealer, monkeypatch):
    monkeypatch.setattr("infra.relay.positions.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(kafka_client, "ASKING_SECONDS", 0.5)
    fund(log, "paquis")
    signed(log, keys)
    fund(log, "grottes")
    waiting = sealer(NOWHERE)
    assert not waiting.step()
    assert sealed() == 6
    assert leases()["seal"].note.startswith("waits: ")


@pytest.mark.kafka
def test_a_later_outage_does_not_stop_it(log, cluster, keys, monkeypatch):
    where = [cluster]
    monkeypatch.setattr("infra.relay.positions.ANSWER_SECONDS", 0.5)
    sealer = Sealer(keys, lambda keys: published_checkpoint(where[0], keys))
    fund(log, "paquis")
    assert sealer.step()
    where[0] = NOWHERE
    fund(log, "grottes")
    assert sealer.step()
    assert sealed() == 12
    sealer.close()
