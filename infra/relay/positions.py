"""The relay's position: a record in a compacted topic, written in the transaction it is about.

    key    urn:quartier
    value  {"checkpoint": 310, "event": "paquis/41", "position": 310,
            "published": {"quartier.funding.v1": 96, …}}

It is read back from Kafka after every start and every failure, as readers of committed
transactions see it; what this process remembers may be ahead of the truth, or behind it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import orjson
from confluent_kafka import TopicPartition

from infra.kafka_client import reader, to_the_end
from infra.relay.topics import POSITIONS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from confluent_kafka import Consumer

    from infra.kafka_client import Cluster

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
    event: its id, by which a log can be told from another one that took its place.
    published: committed messages so far, by topic.
    checkpoint: size of the tree of the last checkpoint published; 0 before the first.
    """

    position: int
    event: str
    published: Mapping[str, int]
    checkpoint: int = 0

    def as_value(self) -> bytes:
        """The record's value."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)


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
        span = TAIL
        while end > low:
            start = max(low, end - span)
            found = None
            # The last record is not at end - 1: markers of transactions take offsets too.
            tail = [TopicPartition(partition.topic, 0, start)]
            for message in to_the_end(consumer, tail, ANSWER_SECONDS):
                if message.key() == name.encode():
                    found = message.value() or b""
            if found is not None:
                return Place(**orjson.loads(found))
            if start == low:
                break
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
