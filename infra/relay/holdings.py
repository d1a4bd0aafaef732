"""What a topic holds of ours, read to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.kafka_client import reader, to_the_end
from infra.relay.positions import GROUP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from confluent_kafka import Message

    from infra.kafka_client import Cluster

ANSWER_SECONDS: Final = 30.0

_IDENTITY: Final = ("ce_id", "ce_type", "ce_time", "ce_sequence")
"""The headers by which an event is the same; a later program may write more in its payload."""

Identity = tuple[str, ...]
"""The key, and those headers."""


@dataclass(slots=True)
class Holdings:
    """What a topic holds of ours.

    events: by `ce_sequence`, what each is.
    last: of each key, the partition and the greatest `ce_sequence`.
    faults: what is wrong with the topic by itself.
    """

    events: dict[int, Identity] = field(default_factory=dict)
    last: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def absent(cluster: Cluster, names: Collection[str]) -> frozenset[str]:
    """Those of the topics that are not there."""
    there = AdminClient(dict(cluster.settings)).list_topics(timeout=ANSWER_SECONDS).topics
    return frozenset(name for name in names if cluster.named(name) not in there)


def holdings(cluster: Cluster, topic: str, name: str) -> Holdings:
    """All committed messages that say they come from us."""
    held = Holdings()
    for message in _messages(cluster, cluster.named(topic)):
        headers: dict[str, Any] = dict(message.headers() or [])
        if headers.get("ce_source") != name.encode():
            continue
        key, sequence = message.key() or b"", int(headers["ce_sequence"])
        event = identity(key, headers)
        partition = message.partition() or 0
        before = held.last.get(key)
        if sequence in held.events:
            held.faults.append(f"{topic}: {said(event)} is there twice.")
        elif before is not None and before[0] != partition:
            held.faults.append(f"{topic}: {said(event)} is in another partition than before.")
        elif before is not None and before[1] > sequence:
            held.faults.append(f"{topic}: {said(event)} comes after a later one.")
        held.events[sequence] = event
        held.last[key] = partition, max(sequence, before[1] if before else 0)
    return held


def _messages(cluster: Cluster, topic: str) -> Iterator[Message]:
    with reader(cluster, GROUP) as consumer:
        metadata = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        everything = [TopicPartition(topic, each, OFFSET_BEGINNING) for each in metadata.partitions]
        yield from to_the_end(consumer, everything, ANSWER_SECONDS)


def identity(key: bytes, headers: Mapping[str, bytes]) -> Identity:
    """What an event is told from others by."""
    return (key.decode(), *(headers.get(name, b"").decode() for name in _IDENTITY))


def said(found: Identity) -> str:
    """The same, for a person."""
    _, event, kind, instant, _ = found
    return f"{event} ({kind}, {instant})"
