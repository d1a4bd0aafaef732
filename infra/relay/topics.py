"""The topics: what they are called, how they must be kept, and whether they are.

Nothing that finance relies on may expire, be compacted away, or be acknowledged by one broker
alone where there are three. What is absent is made so; what is there is looked at, and a relay
does not start on a topic that would lose something.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from infra.broker.embedded_broker import is_embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from confluent_kafka.admin import ClusterMetadata, TopicMetadata

    from infra.broker.kafka_client import Cluster

log = structlog.get_logger(__name__)

FUNDING: Final = "quartier.funding.v1"
DECISIONS: Final = "quartier.decisions.v1"
CHECKPOINTS: Final = "quartier.checkpoints.v1"
POSITIONS: Final = "quartier.relay.positions"

ANSWER_SECONDS: Final = 15.0
LARGEST_MESSAGE: Final = 8 * 1024 * 1024
"""Bytes of one message: a perimeter with its every corner is larger than Kafka's usual 1 MiB."""

KEPT_FOR_EVER: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(LARGEST_MESSAGE),
}
LAST_KEPT: Final = {"cleanup.policy": "compact"}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and what it must be like.

    partitions: when it is made. A topic with exactly one stays with one; others may have any
        number, which must not change any more: the events of a contract stay in one partition.
    """

    name: str
    partitions: int
    settings: Mapping[str, str]
    made_with: Mapping[str, str]


TOPICS: Final = (
    Topic(FUNDING, 6, KEPT_FOR_EVER, {}),
    Topic(DECISIONS, 6, KEPT_FOR_EVER, {}),
    Topic(CHECKPOINTS, 1, KEPT_FOR_EVER, {}),
    # Small segments: only closed ones are compacted.
    Topic(POSITIONS, 1, LAST_KEPT, {"segment.bytes": "16777216", "segment.ms": "86400000"}),
)


class TopicsUnfit(Exception):
    """A topic is kept in a way that would lose events: the sentence says which and how."""


def ensure(where: Cluster) -> None:
    """Make the topics that are absent; look at those that are there.

    Raises:
        TopicsUnfit: everything that is wrong with them, at once.
        KafkaException: the brokers cannot be asked, or refuse.
    """
    admin = AdminClient(dict(where.settings))
    cluster = admin.list_topics(timeout=ANSWER_SECONDS)
    if is_embedded(cluster.cluster_id):
        for topic in TOPICS:
            admin.list_topics(where.named(topic.name), timeout=ANSWER_SECONDS)  # which makes it
        return
    absent = [topic for topic in _named(where) if topic.name not in cluster.topics]
    _create(admin, absent, brokers=len(cluster.brokers))
    present = [topic for topic in _named(where) if topic not in absent]
    if found := list(_faults(admin, present, cluster)):
        raise TopicsUnfit(" ".join(found))


def faults(where: Cluster) -> list[str]:
    """Everything that is wrong with the topics, absent ones too; nothing is made.

    Raises:
        KafkaException: the brokers cannot be asked, or refuse.
    """
    admin = AdminClient(dict(where.settings))
    cluster = admin.list_topics(timeout=ANSWER_SECONDS)
    absent = [topic for topic in _named(where) if topic.name not in cluster.topics]
    found = [f"{topic.name}: is absent. A relay makes it." for topic in absent]
    if not is_embedded(cluster.cluster_id):
        present = [topic for topic in _named(where) if topic not in absent]
        found += _faults(admin, present, cluster)
    return found


def _named(where: Cluster) -> list[Topic]:
    return [replace(topic, name=where.named(topic.name)) for topic in TOPICS]


def _create(admin: AdminClient, topics: list[Topic], brokers: int) -> None:
    if not topics:
        return
    replicas = min(3, brokers)
    new = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=replicas,
            config={
                **topic.settings,
                **topic.made_with,
                "min.insync.replicas": str(_least_in_sync(replicas)),
                "unclean.leader.election.enable": "false",
            },
        )
        for topic in topics
    ]
    made = admin.create_topics(new, operation_timeout=ANSWER_SECONDS)
    for name, future in made.items():
        try:
            future.result(ANSWER_SECONDS)
        except KafkaException as error:
            # Another relay that was started at the same moment.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        else:
            log.info("topic_created", topic=name, replicas=replicas)


def _least_in_sync(replicas: int) -> int:
    """How many copies must be written: one broker of three may be away, and nothing is lost."""
    return max(1, replicas - 1)


def _faults(admin: AdminClient, topics: list[Topic], cluster: ClusterMetadata) -> Iterator[str]:
    resources = {ConfigResource(ResourceType.TOPIC, topic.name): topic for topic in topics}
    if not resources:
        return
    for resource, future in admin.describe_configs(list(resources)).items():
        found = {name: entry.value for name, entry in future.result(ANSWER_SECONDS).items()}
        topic = resources[resource]
        yield from _faults_of(topic, cluster.topics[topic.name], found, len(cluster.brokers))


def _faults_of(
    topic: Topic, metadata: TopicMetadata, found: dict[str, Any], brokers: int
) -> Iterator[str]:
    for name, wanted in topic.settings.items():
        if name == "max.message.bytes":
            if int(found[name]) < int(wanted):
                yield f"{topic.name}: {name} is {found[name]}, and must be at least {wanted}."
        elif found[name] != wanted:
            yield f"{topic.name}: {name} is {found[name]}, and must be {wanted}."
    if found["unclean.leader.election.enable"] != "false":
        yield f"{topic.name}: unclean.leader.election.enable must be false."
    partitions = metadata.partitions.values()
    if topic.partitions == 1 and len(partitions) != 1:
        yield f"{topic.name}: has {len(partitions)} partitions, and must have 1."
    replicas = min((len(partition.replicas) for partition in partitions), default=0)
    if replicas < min(3, brokers):
        yield f"{topic.name}: is kept {replicas} times, and must be {min(3, brokers)} times."
    in_sync = int(found["min.insync.replicas"])
    if in_sync < _least_in_sync(replicas):
        yield (
            f"{topic.name}: min.insync.replicas is {in_sync}, and must be at least "
            f"{_least_in_sync(replicas)} of {replicas}."
        )
    if in_sync > replicas:
        yield f"{topic.name}: min.insync.replicas is {in_sync}, but it is kept {replicas} times."
