"""The topics are made right, and one that would lose something is refused by name."""

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from infra.broker.embedded_broker import EmbeddedBroker
from infra.broker.kafka_client import Cluster
from infra.relay import topics
from infra.relay.topics import DECISIONS, FUNDING, POSITIONS, TopicsUnfit
from tests.infra.relay.reading import wait_until

pytestmark = pytest.mark.kafka


@pytest.fixture
def admin(cluster):
    return AdminClient(dict(cluster.settings))


def settings(admin, name):
    resource = ConfigResource(ResourceType.TOPIC, name)
    (future,) = admin.describe_configs([resource]).values()
    return {key: entry.value for key, entry in future.result(15).items()}


def change(admin, name, **changes):
    """Change settings, and wait until the broker goes by them: it learns of them afterwards."""
    wanted = {key.replace("_", "."): value for key, value in changes.items()}
    entries = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        for key, value in wanted.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
    (future,) = admin.incremental_alter_configs([resource]).values()
    future.result(15)
    wait_until(lambda: wanted.items() <= settings(admin, name).items())


def test_they_are_made_with_what_finance_relies_on(cluster, admin):
    topics.ensure(cluster)
    for topic in topics.TOPICS:
        found = settings(admin, cluster.named(topic.name))
        for name, value in topic.settings.items():
            assert found[name] == value
        assert found["min.insync.replicas"] == "1", "there is one broker"
        assert found["unclean.leader.election.enable"] == "false"
    listed = admin.list_topics(timeout=15).topics
    assert len(listed[cluster.named(POSITIONS)].partitions) == 1
    assert len(listed[cluster.named(FUNDING)].partitions) == 6


def test_what_is_there_and_right_is_left_alone(cluster):
    topics.ensure(cluster)
    topics.ensure(cluster)


def test_everything_that_is_wrong_is_named_at_once(cluster, admin):
    topics.ensure(cluster)
    change(admin, cluster.named(FUNDING), retention_ms="604800000", min_insync_replicas="2")
    change(admin, cluster.named(DECISIONS), cleanup_policy="compact", max_message_bytes="1000")
    change(admin, cluster.named(POSITIONS), cleanup_policy="delete")
    with pytest.raises(TopicsUnfit) as unfit:
        topics.ensure(cluster)
    said = str(unfit.value)
    for expected in (
        f"{FUNDING}: retention.ms is 604800000, and must be -1.",
        f"{FUNDING}: min.insync.replicas is 2, but it is kept 1 times.",
        f"{DECISIONS}: cleanup.policy is compact, and must be delete.",
        f"{DECISIONS}: max.message.bytes is 1000, and must be at least {8 * 1024 * 1024}.",
        f"{POSITIONS}: cleanup.policy is delete, and must be compact.",
    ):
        assert expected in said


def test_positions_in_several_partitions_are_refused(cluster, admin):
    name = cluster.named(POSITIONS)
    new = NewTopic(name, 2, 1, config={"cleanup.policy": "compact"})
    admin.create_topics([new], operation_timeout=15)[name].result(15)
    with pytest.raises(TopicsUnfit, match="has 2 partitions, and must have 1"):
        topics.ensure(cluster)


def test_a_topic_must_not_outlive_its_only_copy_where_there_are_three_brokers():
    found = {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}
    topic = topics.Topic("t", 6, {}, {})
    partition = type("Partition", (), {"replicas": [1, 2, 3]})
    alone = type("Partition", (), {"replicas": [1]})
    metadata = type("Metadata", (), {"partitions": {0: partition}})
    assert list(topics._faults_of(topic, metadata, found, 3)) == [
        "t: unclean.leader.election.enable must be false.",
        "t: min.insync.replicas is 1, and must be at least 2 of 3.",
    ]
    metadata.partitions = {0: alone}
    assert "t: is kept 1 times, and must be 3 times." in list(
        topics._faults_of(topic, metadata, found, 3)
    )


def test_the_embedded_broker_makes_its_own_topics(tmp_path):
    with EmbeddedBroker(tmp_path / "broker") as broker:
        topics.ensure(Cluster({"bootstrap.servers": broker.bootstrap_servers}))
