"""Each event of the log is in Kafka once and in order; what would lose or double one stops it."""

import threading

import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from prometheus_client import REGISTRY

from infra.broker.kafka_client import Cluster
from infra.log.keys import read_keys
from infra.log.notes import Note
from infra.log.sealer import seal
from infra.relay import topics
from infra.relay.positions import Place, PositionsHeldBack, last_place
from infra.relay.publisher import ProducerLost, Publisher
from infra.relay.relay import Relay, StoppedAtEvent
from infra.relay.resuming import LogDiverged, PositionLost, TopicLost
from infra.relay.source import LogSource
from infra.relay.topics import CHECKPOINTS, DECISIONS, FUNDING, POSITIONS
from tests.infra.relay.checks import assert_complete
from tests.infra.relay.reading import SOURCE, headers, ids, read, relaying, wait_until
from tests.infra.relay.story import fund, proposed

pytestmark = pytest.mark.kafka


def relay_all(log, cluster):
    """Let a relay publish all there is, and stop it."""
    with relaying(log, cluster) as running:
        wait_until(lambda: running.has_come_to(log.size()))
    assert running.error is None


def test_every_event_is_published_once_in_order_of_its_contract(log, cluster):
    for contract in ("paquis", "grottes", "jonction"):
        fund(log, contract, 3)
    relay_all(log, cluster)
    assert_complete(log, cluster)
    # A second relay finds nothing to do.
    relay_all(log, cluster)
    fund(log, "eaux-vives")
    relay_all(log, cluster)
    assert_complete(log, cluster)


def test_events_follow_as_they_are_recorded(log, cluster):
    with relaying(log, cluster) as running:
        for contract in ("paquis", "grottes"):
            fund(log, contract)
            wait_until(lambda: running.has_come_to(log.size()))
    assert_complete(log, cluster)


def test_the_position_is_committed_with_the_events(log, cluster):
    fund(log, "paquis")
    relay_all(log, cluster)
    place = last_place(cluster, SOURCE)
    assert (place.position, place.event) == (log.size(), f"paquis/{log.size()}")
    assert place.published == {FUNDING: 5, DECISIONS: 6}
    values = [orjson.loads(message.value()) for message in read(cluster, POSITIONS)]
    assert values[-1]["position"] == place.position


def test_checkpoints_follow_the_events_that_they_cover(log, cluster, tmp_path):
    keys = tmp_path / "log-key"
    with relaying(log, cluster) as running:
        for contract in ("paquis", "grottes"):
            fund(log, contract)
            seal(log.connect(), keys)
        wait_until(lambda: running.relay._place.checkpoint == log.size())
    sizes = [int(headers(each)["ce_sequence"]) for each in read(cluster, CHECKPOINTS)]
    assert sizes == [6, 12]
    assert_complete(log, cluster)
    # Another relay does not publish them again.
    seal(log.connect(), keys)
    relay_all(log, cluster)
    last = read(cluster, CHECKPOINTS)[-1]
    assert len(read(cluster, CHECKPOINTS)) == 2
    assert headers(last)["ce_type"] == "ch.quartier.checkpoint.v1"
    note = Note.parse(last.value())
    (key,) = read_keys(keys).active
    assert note.verified([key]) == [key]
    assert last.key().decode() == headers(last)["ce_subject"] == key.name


def test_a_checkpoint_waits_for_the_events_that_it_covers(log, cluster, monkeypatch, tmp_path):
    """A reader of both topics never sees a checkpoint of decisions that are not published."""
    monkeypatch.setattr("infra.relay.relay.EVENTS_PER_TRANSACTION", 4)
    fund(log, "paquis", 2)
    seal(log.connect(), tmp_path / "log-key")
    relay_all(log, cluster)
    places = [orjson.loads(message.value()) for message in read(cluster, POSITIONS)]
    assert [(place["position"], place["checkpoint"]) for place in places] == [
        (4, 0),
        (8, 0),
        (10, 10),
    ]


def test_a_backlog_takes_several_transactions(log, cluster, monkeypatch):
    monkeypatch.setattr("infra.relay.relay.EVENTS_PER_TRANSACTION", 7)
    for number in range(5):
        fund(log, f"contract-{number}", 2)
    before = REGISTRY.get_sample_value(
        "quartier_relay_transactions_total", {"outcome": "committed"}
    )
    relay_all(log, cluster)
    after = REGISTRY.get_sample_value("quartier_relay_transactions_total", {"outcome": "committed"})
    assert after - (before or 0) == 8
    assert REGISTRY.get_sample_value("quartier_relay_position") == log.size() == 50
    assert_complete(log, cluster)


def test_large_events_are_published_in_transactions_of_bounded_size(log, cluster, monkeypatch):
    monkeypatch.setattr("infra.relay.relay.BYTES_PER_TRANSACTION", 1)
    fund(log, "paquis")
    relay_all(log, cluster)
    assert len(read(cluster, POSITIONS)) == log.size()
    assert_complete(log, cluster)


def test_a_relay_fences_the_one_before_it(log, cluster):
    topics.ensure(cluster)
    first, second = Publisher(cluster), Publisher(cluster)
    try:
        first.open()
        second.open()
        with pytest.raises(ProducerLost) as lost:
            first.publish([], SOURCE, _place(1))
        assert lost.value.fenced
        second.publish([], SOURCE, _place(2))
        assert last_place(cluster, SOURCE).position == 2
    finally:
        first.drop()
        second.drop()


def _place(position):
    return Place(position, "paquis/1", {})


def test_a_transaction_that_ends_in_a_moment_is_waited_for_and_no_other(cluster, monkeypatch):
    """Brokers answer that it is committed before they have written so where it is read."""
    topics.ensure(cluster)
    open_one = Producer({**cluster.settings, "transactional.id": cluster.named("another")})
    open_one.init_transactions(15)
    monkeypatch.setattr("infra.relay.positions.HELD_SECONDS", 0.2)
    open_one.begin_transaction()
    open_one.produce(cluster.named(POSITIONS), _place(1).as_value(), SOURCE)
    open_one.flush(15)
    with pytest.raises(PositionsHeldBack):
        last_place(cluster, SOURCE)
    monkeypatch.undo()
    ending = threading.Timer(0.3, open_one.commit_transaction, [15])
    ending.start()
    assert last_place(cluster, SOURCE) == _place(1)
    ending.join()


def test_the_last_position_is_found_behind_the_markers_of_transactions(cluster):
    topics.ensure(cluster)
    publisher = Publisher(cluster)
    publisher.open()
    publisher.publish([], SOURCE, _place(1))
    assert last_place(cluster, "urn:quartier:nobody") is None
    for number in range(130):  # more than the tail that is read first
        publisher.publish([], "urn:quartier:another", _place(number))
    assert last_place(cluster, SOURCE) == _place(1)
    assert last_place(cluster, "urn:quartier:another") == _place(129)
    publisher.drop()


# --- What stops it ------------------------------------------------------------------------------


def stopped_by(log, cluster):
    with relaying(log, cluster) as running:
        wait_until(lambda: running.error)
    return running.error


def recreate(cluster, *names):
    """Delete topics, and wait until they are gone."""
    admin = AdminClient(dict(cluster.settings))
    gone = [cluster.named(name) for name in names]
    for future in admin.delete_topics(gone).values():
        future.result(15)
    wait_until(lambda: not set(gone) & admin.list_topics(timeout=10).topics.keys())


def test_a_deleted_topic_of_positions_stops_it(log, cluster):
    fund(log, "paquis")
    relay_all(log, cluster)
    before = ids(read(cluster, FUNDING))
    recreate(cluster, POSITIONS)
    error = stopped_by(log, cluster)
    assert isinstance(error, PositionLost)
    assert cluster.named(FUNDING) in str(error) or FUNDING in str(error)
    assert ids(read(cluster, FUNDING)) == before


def test_a_deleted_topic_of_events_stops_it(log, cluster):
    fund(log, "paquis")
    relay_all(log, cluster)
    recreate(cluster, FUNDING)
    assert isinstance(stopped_by(log, cluster), TopicLost)


def test_topics_that_hold_only_what_was_aborted_are_no_reason_to_stop(log, cluster):
    """The very first transaction of a relay may be cut off."""
    topics.ensure(cluster)
    producer = Producer({**cluster.settings, "transactional.id": cluster.named("quartier.relay")})
    producer.init_transactions(15)
    producer.begin_transaction()
    producer.produce(cluster.named(FUNDING), b"{}", b"paquis")
    producer.flush(15)
    fund(log, "paquis")
    relay_all(log, cluster)
    assert_complete(log, cluster)
    del producer


def test_another_log_than_the_one_that_was_published_stops_it(log, cluster):
    fund(log, "paquis")
    relay_all(log, cluster)

    class Shorter(LogSource):
        def rows(self, after, limit):
            return [row for row in super().rows(after, limit) if row[0] < 4]

    with relaying(log, cluster, Shorter(log.connect)) as running:
        wait_until(lambda: running.error)
    assert isinstance(running.error, LogDiverged)
    assert "beyond its end" in str(running.error)


def test_an_event_that_cannot_be_read_stops_it_before_anything_after_it(log, cluster):
    log.record("paquis", proposed("a"))
    payload = '{"data":{}}'
    event = {
        "contract": "grottes",
        "version": 1,
        "type": "of-the-future",
        "schema": 1,
        "body": "plenary",
        "decided_on": "2026-03-01",
        "recorded_by": "coordinator",
        "payload": orjson.Fragment(payload),
    }
    log.connection.execute("SELECT append(%s::json, NULL, NULL)", [orjson.dumps([event]).decode()])
    log.record("jonction", proposed("a"))
    error = stopped_by(log, cluster)
    assert isinstance(error, StoppedAtEvent)
    assert str(error).startswith("Event 2 (grottes, version 1, of-the-future) cannot be read: ")
    assert "jonction/1" not in ids(read(cluster, DECISIONS))


# --- What passes --------------------------------------------------------------------------------


def test_without_brokers_it_waits_and_says_how_far_behind_it_is(log, monkeypatch):
    fund(log, "paquis")
    nowhere = Cluster({"bootstrap.servers": "127.0.0.1:1"})
    stop = threading.Event()
    relay = Relay(LogSource(log.connect), nowhere, SOURCE)
    monkeypatch.setattr("infra.relay.topics.ANSWER_SECONDS", 0.5)
    thread = threading.Thread(target=relay.run, args=[stop])
    thread.start()
    try:
        wait_until(lambda: REGISTRY.get_sample_value("quartier_relay_lag_events") == log.size())
        assert REGISTRY.get_sample_value("quartier_relay_lag_seconds") > 0
        assert REGISTRY.get_sample_value("quartier_relay_active") == 0
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def test_a_second_relay_waits_until_the_first_one_ends(log, cluster):
    with relaying(log, cluster) as first:
        fund(log, "paquis")
        wait_until(lambda: first.has_come_to(log.size()))
        with relaying(log, cluster) as second:
            fund(log, "grottes")
            wait_until(lambda: first.has_come_to(log.size()))
            assert second.relay._place.position == 0
            first.end()
            fund(log, "jonction")
            wait_until(lambda: second.has_come_to(log.size()))
    assert (first.error, second.error) == (None, None)
    assert_complete(log, cluster)
