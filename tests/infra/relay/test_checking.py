"""`quartier check` says what is wrong with what is published, and nothing where nothing is."""

from datetime import timedelta

import pytest

from infra.broker.kafka_client import Cluster
from infra.relay import checking, topics
from infra.relay.source import LogSource
from infra.relay.topics import FUNDING, POSITIONS
from tests.infra.relay.reading import SOURCE, relaying, wait_until
from tests.infra.relay.story import fund
from tests.infra.relay.test_relay import recreate, relay_all


def found(log, cluster):
    source = LogSource(log.connect)
    try:
        return list(checking.findings(cluster, source, SOURCE))
    finally:
        source.close()


@pytest.mark.kafka
def test_nothing_is_wrong_while_a_relay_runs(log, cluster):
    with relaying(log, cluster) as running:
        for number in range(20):
            fund(log, f"contract-{number}")
        wait_until(lambda: running.has_come_to(1))
        assert found(log, cluster) == []
        wait_until(lambda: running.has_come_to(log.size()))
    assert found(log, cluster) == []


@pytest.mark.kafka
def test_absent_topics_are_named(log, cluster):
    assert [each.partition(":")[0] for each in found(log, cluster)] == [
        cluster.named(topic.name) for topic in topics.TOPICS
    ]


@pytest.mark.kafka
def test_events_that_nobody_publishes_are_said(log, cluster, monkeypatch):
    fund(log, "paquis")
    relay_all(log, cluster)
    fund(log, "grottes")
    assert found(log, cluster) == [], "a relay has a minute"
    monkeypatch.setattr(checking, "LATE", timedelta(0))
    (said,) = found(log, cluster)
    assert said.startswith("6 events are not published")


@pytest.mark.kafka
@pytest.mark.parametrize(("lost", "says"), [(POSITIONS, "no position"), (FUNDING, "is empty")])
def test_what_would_stop_the_relay_is_said(log, cluster, lost, says):
    fund(log, "paquis")
    relay_all(log, cluster)
    recreate(cluster, lost)
    assert [each for each in found(log, cluster) if lost in each]
    topics.ensure(cluster)
    (said,) = found(log, cluster)
    assert says in said


def test_brokers_that_do_not_answer_are_said(log, monkeypatch):
    monkeypatch.setattr(topics, "ANSWER_SECONDS", 0.5)
    (said,) = found(log, Cluster({"bootstrap.servers": "127.0.0.1:1"}))
    assert said.startswith("Kafka does not answer")
