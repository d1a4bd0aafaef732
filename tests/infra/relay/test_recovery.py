"""What Kafka lost is put back as it was, once and in order; what cannot be is only said."""

import json

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from infra.cli import program
from infra.relay import topics
from infra.relay.comparing import compare
from infra.relay.positions import last_place
from infra.relay.recovery import NotRecoverable, RelayRuns, accept, recover
from infra.relay.resuming import LogDiverged, PositionLost, TopicLost
from infra.relay.source import LogSource
from infra.relay.topics import DECISIONS, FUNDING, POSITIONS
from tests.infra.relay.checks import assert_complete, assert_is_the_ledger
from tests.infra.relay.processes import filling
from tests.infra.relay.reading import SOURCE, ids, read, relaying, wait_until
from tests.infra.relay.story import Log, fund
from tests.infra.relay.test_follow import follow
from tests.infra.relay.test_relay import recreate, relay_all, stopped_by

pytestmark = pytest.mark.kafka


@pytest.fixture
def source(log):
    source = LogSource(log.connect)
    yield source
    source.close()


@pytest.fixture
def relayed(log, cluster):
    for contract in ("paquis", "grottes"):
        fund(log, contract, 2)
    relay_all(log, cluster)


def recovered(cluster, log):
    source = LogSource(log.connect)
    try:
        return recover(cluster, source, SOURCE)
    finally:
        source.close()


def assert_as_before(log, cluster):
    """The relay goes on from there, and everything is there once."""
    source = LogSource(log.connect)
    assert compare(cluster, source, SOURCE).complete
    source.close()
    fund(log, "afterwards")
    relay_all(log, cluster)
    assert_complete(log, cluster)


def test_what_is_complete_is_left_alone(log, cluster, source, relayed):
    found = compare(cluster, source, SOURCE)
    assert found.complete
    assert found.place == last_place(cluster, SOURCE)
    assert list(found.sentences()) == []
    before = [message.offset() for message in read(cluster, POSITIONS)]
    assert recovered(cluster, log).complete
    assert [message.offset() for message in read(cluster, POSITIONS)] == before


def test_a_position_that_is_lost_is_found_in_the_topics(log, cluster, source, relayed):
    place = last_place(cluster, SOURCE)
    recreate(cluster, POSITIONS)
    assert isinstance(stopped_by(log, cluster), PositionLost)
    found = recovered(cluster, log)
    assert not found.complete
    assert list(found.sentences()) == [
        f"{POSITIONS}: there is no position, and events up to {log.size()}."
    ]
    assert last_place(cluster, SOURCE) == place
    assert_as_before(log, cluster)


@pytest.mark.parametrize("lost", [(FUNDING,), (DECISIONS,), (FUNDING, DECISIONS)])
def test_a_topic_that_is_lost_is_published_again(log, cluster, source, finance, relayed, lost):
    follow(cluster, finance)
    recreate(cluster, *lost)
    fund(log, "meanwhile")
    assert isinstance(stopped_by(log, cluster), TopicLost)
    assert compare(cluster, source, SOURCE).missing[lost[0]] > 0
    found = recovered(cluster, log)
    assert [topic for topic, missing in found.missing.items() if missing] == [*lost]
    assert_as_before(log, cluster)
    # Whoever had read it before reads it again, and lands only what is new.
    assert follow(cluster, finance) == 10
    assert_is_the_ledger(finance, log)


def test_a_topic_and_the_position_that_are_lost_together(log, cluster, relayed):
    recreate(cluster, FUNDING, POSITIONS)
    recovered(cluster, log)
    assert_as_before(log, cluster)


def test_the_end_of_a_topic_that_is_lost_is_put_back(log, cluster, source, relayed):
    """As after a broker that held the only copy: the first contract is there, the second not."""
    messages = read(cluster, FUNDING)
    recreate(cluster, FUNDING)
    topics.ensure(cluster)
    producer = Producer(dict(cluster.settings) | {"partitioner": "murmur2_random"})
    for message in messages:
        if message.key() == b"paquis":
            producer.produce(
                cluster.named(FUNDING), message.value(), b"paquis", headers=message.headers()
            )
    producer.flush(15)
    assert list(compare(cluster, source, SOURCE).sentences()) == [
        f"{FUNDING}: 9 of 18 messages are missing."
    ]
    recovered(cluster, log)
    assert_as_before(log, cluster)


def test_another_number_of_partitions(log, cluster, finance, relayed):
    """A topic is never widened: it is deleted, made anew by hand, and published again."""
    follow(cluster, finance)
    recreate(cluster, FUNDING)
    admin, name = AdminClient(dict(cluster.settings)), cluster.named(FUNDING)
    settings = {**topics.KEPT_FOR_EVER, "unclean.leader.election.enable": "false"}
    admin.create_topics([NewTopic(name, 12, 1, config=settings)])[name].result(15)
    recovered(cluster, log)
    assert_as_before(log, cluster)
    assert follow(cluster, finance) == 5
    assert_is_the_ledger(finance, log)


# --- What is only said --------------------------------------------------------------------------


def test_under_a_relay_nothing_is_put_back(log, cluster, source):
    with relaying(log, cluster) as running:
        with filling(log):
            wait_until(lambda: running.has_come_to(50))
            for _ in range(3):
                assert compare_now(cluster, source).complete
        with pytest.raises(RelayRuns):
            recovered(cluster, log)
    assert running.error is None


def compare_now(cluster, source):
    found = []

    def look():
        try:
            found.append(compare(cluster, source, SOURCE))
        except Exception:
            return False
        return True

    wait_until(look)
    return found[0]


def again(cluster, number):
    """Publish a message that is there a second time."""
    message = read(cluster, FUNDING)[number]
    producer = Producer(dict(cluster.settings))
    producer.produce(
        message.topic(),
        message.value(),
        message.key(),
        partition=message.partition(),
        headers=message.headers(),
    )
    producer.flush(15)
    return ids([message])[0]


def test_an_event_that_is_there_twice_is_named(log, cluster, source, relayed):
    doubled = again(cluster, 3)
    recreate(cluster, POSITIONS)
    topics.ensure(cluster)
    assert not compare(cluster, source, SOURCE).complete
    with pytest.raises(NotRecoverable, match=f"{doubled} .* is there twice"):
        recovered(cluster, log)
    assert last_place(cluster, SOURCE) is None


def test_an_event_that_is_missing_before_later_ones_is_named(log, cluster, relayed):
    kept = [message for message in read(cluster, FUNDING) if ids([message]) != ["paquis/4"]]
    recreate(cluster, FUNDING)
    topics.ensure(cluster)
    producer = Producer(dict(cluster.settings) | {"partitioner": "murmur2_random"})
    for message in kept:
        name = cluster.named(FUNDING)
        producer.produce(name, message.value(), message.key(), headers=message.headers())
    producer.flush(15)
    with pytest.raises(NotRecoverable, match="paquis/4 is missing before later ones"):
        recovered(cluster, log)
    # Then the topic is deleted, and published again as a whole.
    recreate(cluster, FUNDING)
    recovered(cluster, log)
    assert_as_before(log, cluster)


def test_another_log_is_told_apart(log, cluster, relayed, postgres, template):
    """The database was restored to an earlier day, and something else was recorded since."""
    name = f"{template}_restored"
    postgres.execute("CREATE DATABASE {name} TEMPLATE {template}", name=name, template=template)
    other = Log(postgres.address(name))
    try:
        fund(other, "paquis", 1)
        fund(other, "jonction", 3)
        assert isinstance(stopped_by(other, cluster), LogDiverged)
        before = ids(read(cluster, FUNDING))
        with pytest.raises(NotRecoverable, match="in the log"):
            recovered(cluster, other)
        assert ids(read(cluster, FUNDING)) == before
        source = LogSource(log.connect)
        accept(cluster, source, SOURCE)
        source.close()
        assert_as_before(log, cluster)
    finally:
        other.close()
        postgres.execute("DROP DATABASE {name} WITH (FORCE)", name=name)


# --- The command --------------------------------------------------------------------------------


@pytest.fixture
def command(capfd):
    """Run `quartier topics` in this process; its exit status, and what it said."""

    def run(*arguments):
        status = program.run(["topics", *arguments])
        said = capfd.readouterr()
        return status, said.out or said.err

    return run


def test_the_command(command, log, cluster, kafka, relayed, monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.prefix)
    monkeypatch.setenv("QUARTIER_SOURCE", SOURCE)
    status, said = command()
    assert (status, "Nothing was missing" in said) == (0, True)
    recreate(cluster, FUNDING)
    status, said = command()
    assert (status, f"{FUNDING}: 18 of 18 messages are missing." in said) == (1, True)
    status, said = command("--json")
    assert status == 1
    assert json.loads(said)["missing"][FUNDING] == 18
    status, said = command("--recover")
    assert (status, "18 messages put back, the position set" in said) == (0, True)
    status, said = command("--json")
    assert (status, json.loads(said)["complete"]) == (0, True)
    with relaying(log, cluster) as running:
        wait_until(lambda: running.relay._place.position == log.size())
        status, said = command("--recover")
    assert (status, "stop every relay" in said) == (1, True)
