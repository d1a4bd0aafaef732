"""What a topic holds of ours, read to its end: of each message a digest, and where it is.

Whole messages are read again only where their digest is not the one that is expected.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.broker.kafka_client import reader, to_the_end
from infra.relay.positions import GROUP
from infra.relay.topics import CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from confluent_kafka import Message as Received

    from infra.broker.kafka_client import Cluster
    from infra.relay.messages import Message

ANSWER_SECONDS: Final = 30.0
DIGEST_BYTES: Final = 16

_IDENTITY: Final = ("ce_id", "ce_type", "ce_time", "ce_sequence")
"""The headers that tell an event from any other."""

Identity = tuple[str, ...]
"""The key, and those headers."""


class Held(NamedTuple):
    """A message of ours: a digest of what it is and says, and where it is."""

    digest: bytes
    partition: int
    offset: int


@dataclass(slots=True)
class Holdings:
    """What a topic holds of ours.

    events: by `ce_sequence`.
    last: of each key, the partition and the greatest `ce_sequence`.
    faults: what is wrong with the topic by itself.
    """

    events: dict[int, Held] = field(default_factory=dict)
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
        partition, offset = message.partition() or 0, message.offset() or 0
        before = held.last.get(key)
        if sequence in held.events:
            held.faults.append(f"{topic}: {said(event)} is there twice.")
        elif before is not None and before[0] != partition:
            held.faults.append(f"{topic}: {said(event)} is in another partition than before.")
        elif before is not None and before[1] > sequence:
            held.faults.append(f"{topic}: {said(event)} comes after a later one.")
        digest = _digest(topic, event, message.value() or b"")
        held.events[sequence] = Held(digest, partition, offset)
        held.last[key] = partition, max(sequence, before[1] if before else 0)
    return held


def is_held(held: Held, message: Message) -> bool:
    """Whether that is this message, as far as the digests say."""
    ours = identity(message.key, dict(message.headers))
    return held.digest == _digest(message.topic, ours, message.value)


def difference(message: Message, received: Received) -> str | None:
    """What differs between a message as it would be published now, and as it was; None if nothing.

    What a later version of a schema has added, earlier messages lack: that is no difference.
    """
    ours = identity(message.key, dict(message.headers))
    told: dict[str, Any] = dict(received.headers() or [])
    there = identity(received.key() or b"", told)
    at = int(dict(message.headers)["ce_sequence"])
    if there != ours:
        return f"{message.topic}: at {at} there is {said(there)}, and {said(ours)} in the log."
    if not _says_the_same(message, received.value() or b""):
        return f"{message.topic}: at {at}, {said(ours)} has another content than in the log."
    return None


def read_again(
    cluster: Cluster, topic: str, wanted: Collection[Held]
) -> dict[tuple[int, int], Received]:
    """Messages by partition and offset, read from the first wanted one to the last."""
    name = cluster.named(topic)
    offsets = defaultdict[int, set[int]](set)
    for held in wanted:
        offsets[held.partition].add(held.offset)
    found: dict[tuple[int, int], Received] = {}
    for partition, ours in offsets.items():
        start = TopicPartition(name, partition, min(ours))
        with reader(cluster, GROUP) as consumer:
            for message in to_the_end(consumer, [start], ANSWER_SECONDS):
                offset = message.offset() or 0
                if offset in ours:
                    found[partition, offset] = message
                if offset >= max(ours):
                    break
    return found


def _digest(topic: str, event: Identity, value: bytes) -> bytes:
    """Of what a message is and says; a checkpoint's signatures are not part of what it says."""
    if topic == CHECKPOINTS:
        value = value.partition(b"\n\n")[0]
    told = "\0".join(event).encode() + b"\0" + value
    return blake2b(told, digest_size=DIGEST_BYTES).digest()


def _says_the_same(message: Message, published: bytes) -> bool:
    if message.topic == CHECKPOINTS:
        return False  # its digest was over all it says
    try:
        return _is_within(orjson.loads(published), orjson.loads(message.value))
    except orjson.JSONDecodeError:
        return False


def _is_within(earlier: Any, later: Any) -> bool:
    """Whether the later value is the earlier one, but for fields that objects have gained."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        return all(
            name in later and _is_within(value, later[name]) for name, value in earlier.items()
        )
    if isinstance(earlier, list) and isinstance(later, list):
        return len(earlier) == len(later) and all(map(_is_within, earlier, later))
    return bool(earlier == later)


def _messages(cluster: Cluster, topic: str) -> Iterator[Received]:
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


def said_of(received: Received) -> str:
    """A message, for a person."""
    told: dict[str, Any] = dict(received.headers() or [])
    return said(identity(received.key() or b"", told))
