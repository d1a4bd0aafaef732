"""The relay's position: a record in a compacted topic, written in the transaction it is about.

    key    urn:quartier
    value  {"accepted": null, "checkpoint": 310, "event": "paquis/41", "leaf": "9f86…",
            "position": 310, "published": {"quartier.funding.v1": 96, …}, "refused": null}

It is read back from Kafka after every start and every failure, as readers of committed
transactions see it; what this process remembers may be ahead of the truth, or behind it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import orjson
from confluent_kafka import TopicPartition

from infra.broker.kafka_client import reader, to_the_end
from infra.relay.topics import CHECKPOINTS, POSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from confluent_kafka import Consumer, Message

    from infra.broker.kafka_client import Cluster

GROUP: Final = "quartier.relay"
"""What the relay's readers call themselves to brokers that ask."""

ANSWER_SECONDS: Final = 15.0
HELD_SECONDS: Final = 2.0
"""How long an open transaction is waited for: a relay's take milliseconds."""
PAUSE_SECONDS: Final = 0.02
TAIL: Final = 100
"""Offsets looked at first, from the end. Each transaction takes two: its record and its marker."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far the relay has come.

    position: of the last event published; 0 before the first.
    event: its id.
    published: committed messages so far, by topic.
    checkpoint: size of the tree of the last checkpoint published; 0 before the first.
    leaf: the hash of the last event's leaf in the transparency log, by which a log can be told
        from another one that took its place; empty where an earlier program wrote this.
    refused: why the relay does not go on until a person has looked; None if it does.
    accepted: the first and the last position between which the topics and the log differ, and a
        person has said that it shall stay so.
    """

    position: int
    event: str
    published: Mapping[str, int]
    checkpoint: int = 0
    leaf: str = ""
    refused: str | None = None
    accepted: tuple[int, int] | None = None

    def as_value(self) -> bytes:
        """The record's value."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)

    @classmethod
    def of_value(cls, value: bytes) -> Place:
        """The place that a record says; what a later program may have added to it is left out."""
        said = orjson.loads(value)
        known = {each.name: said[each.name] for each in fields(cls) if each.name in said}
        if known.get("accepted"):
            known["accepted"] = tuple(known["accepted"])
        return cls(**known)

    def accepts(self, position: int) -> bool:
        """Whether it is known and accepted that the topics and the log differ there."""
        return self.accepted is not None and self.accepted[0] <= position <= self.accepted[1]


BEGINNING: Final = Place(0, "", {})


class PositionsHeldBack(Exception):
    """A transaction is open in the topic of positions: what follows it cannot be read."""


def last_place(cluster: Cluster, name: str) -> Place | None:
    """The last position that was committed under this name; None if there is none.

    A relay asks once `init_transactions` has returned: its own earlier transactions have ended
    then. Of one that was just committed, the brokers may still have to write that down where it
    is read; that is waited for.

    Raises:
        PositionsHeldBack: somebody else has a transaction open there, and keeps it open.
        KafkaException: the brokers cannot be asked.
    """
    everything = _end(cluster, "read_uncommitted")
    with _reader(cluster, "read_committed") as consumer:
        partition = TopicPartition(cluster.named(POSITIONS), 0)
        until = time.monotonic() + HELD_SECONDS
        while True:
            # For a reader of committed messages the end is the last stable offset.
            low, end = consumer.get_watermark_offsets(partition, ANSWER_SECONDS, cached=False)
            if end >= everything:
                break
            if time.monotonic() > until:
                raise PositionsHeldBack(f"{POSITIONS} is readable to offset {end} of {everything}.")
            time.sleep(PAUSE_SECONDS)
        found = _last(consumer, partition.topic, low, end, lambda each: each.key() == name.encode())
    return None if found is None else Place.of_value(found.value() or b"")


def last_checkpoint(cluster: Cluster, *, origin: str = "", name: str = "") -> Message | None:
    """The last checkpoint that was published; None if there is none, or no topic for it.

    Args:
        cluster: where.
        origin: of the log of that name only.
        name: only those with this `ce_source`.

    Raises:
        KafkaException: the brokers cannot be asked.
    """
    topic = cluster.named(CHECKPOINTS)
    with _reader(cluster, "read_committed") as consumer:
        # All topics are asked for: asking for one that is absent would make it.
        if topic not in consumer.list_topics(timeout=ANSWER_SECONDS).topics:
            return None
        partition = TopicPartition(topic, 0)
        low, end = consumer.get_watermark_offsets(partition, ANSWER_SECONDS, cached=False)

        def is_wanted(message: Message) -> bool:
            headers: dict[str, Any] = dict(message.headers() or [])
            return (not origin or message.key() == origin.encode()) and (
                not name or headers.get("ce_source") == name.encode()
            )

        return _last(consumer, topic, low, end, is_wanted)


def _last(
    consumer: Consumer, topic: str, low: int, end: int, is_wanted: Callable[[Message], bool]
) -> Message | None:
    """The last message of a topic's only partition that is wanted; its tail is read first."""
    span = TAIL
    while end > low:
        start = max(low, end - span)
        found = None
        # The last record is not at end - 1: markers of transactions take offsets too.
        for message in to_the_end(consumer, [TopicPartition(topic, 0, start)], ANSWER_SECONDS):
            if is_wanted(message):
                found = message
        if found is not None or start == low:
            return found
        span *= 100
    return None


def holds_anything(cluster: Cluster, topic: str) -> bool:
    """Whether the topic has committed messages; aborted ones do not count."""
    topic = cluster.named(topic)
    with _reader(cluster, "read_committed") as consumer:
        metadata = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        for partition in metadata.partitions:
            low, end = consumer.get_watermark_offsets(
                TopicPartition(topic, partition), ANSWER_SECONDS, cached=False
            )
            whole = [TopicPartition(topic, partition, low)]
            if end > low and any(True for _ in to_the_end(consumer, whole, ANSWER_SECONDS)):
                return True
    return False


def was_written(cluster: Cluster, topic: str) -> bool:
    """Whether anything was ever written to the topic, even if it is gone or was aborted."""
    topic = cluster.named(topic)
    with _reader(cluster, "read_uncommitted") as consumer:
        metadata = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        return any(
            consumer.get_watermark_offsets(
                TopicPartition(topic, partition), ANSWER_SECONDS, cached=False
            )[1]
            for partition in metadata.partitions
        )


def _end(cluster: Cluster, isolation: str) -> int:
    with _reader(cluster, isolation) as consumer:
        partition = TopicPartition(cluster.named(POSITIONS), 0)
        return int(consumer.get_watermark_offsets(partition, ANSWER_SECONDS, cached=False)[1])


def _reader(cluster: Cluster, isolation: str) -> AbstractContextManager[Consumer]:
    return reader(cluster, GROUP, isolation_level=isolation, fetch_wait_max_ms=50)
