"""What the topics hold, message by message, beside the log; and what is missing, put back.

The log knows every message that ever was. Whatever Kafka has lost is published again as it was,
and the position set anew, in one Kafka transaction: readers find the topics as they were or as
they should be, and a relay finds the old position or the new one. What cannot be put back without
doubling an event, or breaking the order of a contract's events, is only said.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from infra.relay import topics
from infra.relay.holdings import Holdings, absent, holdings, identity, said
from infra.relay.messages import Message, Messages
from infra.relay.positions import BEGINNING, Place, last_place
from infra.relay.publisher import PRODUCER, TRANSACTIONAL_ID
from infra.relay.resuming import PUBLISHED_TO
from infra.relay.source import id_of
from infra.relay.topics import CHECKPOINTS, POSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from infra.kafka_client import Cluster
    from infra.relay.source import Source

log = structlog.get_logger(__name__)

TRANSACTION_SECONDS: Final = 15 * 60
"""What brokers allow at most, unless told otherwise (`transaction.max.timeout.ms`)."""
ANSWER_SECONDS: Final = 30.0
EVENTS_READ: Final = 500
SHOWN: Final = 10
"""Faults that are said one by one."""


_NOT_YET: Final = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}

T = TypeVar("T")


class NotRecoverable(Exception):
    """What the topics hold does not fit the log, or its order. Nothing was written."""


class RelayRuns(Exception):
    """A relay is active: nothing can be put back under it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The topics beside the log, up to the last event that was published.

    place: where the relay is once everything is there.
    noted: what the topic of positions says; None if it says nothing.
    held, missing: how many of our messages are in each topic, and how many are not.
    faults: what cannot be put right here.
    """

    place: Place
    noted: Place | None
    held: Mapping[str, int]
    missing: Mapping[str, int]
    faults: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether each message is there once and in order, and the position says the same."""
        noted = self.noted or BEGINNING
        return not self.faults and not any(self.missing.values()) and noted == self.place

    def sentences(self) -> Iterator[str]:
        """What is wrong, a sentence each."""
        for topic, missing in self.missing.items():
            if missing:
                yield f"{topic}: {missing} of {self.held[topic] + missing} messages are missing."
        if self.noted is None and self.place.position:
            yield f"{POSITIONS}: there is no position, and events up to {self.place.position}."
        elif not (self.complete or self.faults or any(self.missing.values())):
            yield f"{POSITIONS}: the position is not that of what the topics hold."
        yield from self.faults[:SHOWN]
        if len(self.faults) > SHOWN:
            yield f"And {len(self.faults) - SHOWN} more."


def compare(
    cluster: Cluster, source: Source, name: str, done: Callable[[int], None] = lambda _: None
) -> Found:
    """Every message of ours, and the whole log up to the last event that was published.

    A relay may run meanwhile; what it publishes from now on is left out.

    Args:
        cluster: where the topics are.
        source: the log.
        name: the `ce_source` of its events.
        done: is told the position reached in the log.

    Raises:
        PositionsHeldBack: a transaction is open just now; ask again.
        KafkaException: the brokers cannot be asked, or there is no such topic.
    """
    noted, held = _kafka(cluster, name, absent(cluster, {*PUBLISHED_TO, POSITIONS}))
    end = noted or _reached(held)
    return _compared(Messages(source, name), source, held, noted, end, done)


def recover(
    cluster: Cluster, source: Source, name: str, done: Callable[[int], None] = lambda _: None
) -> Found:
    """Publish what is missing, and set the position to what the topics then hold.

    Returns:
        What was found before.

    Raises:
        RelayRuns: stop the relay first.
        NotRecoverable: what is there does not fit the log.
        TopicsUnfit: the topics would lose it again.
        KafkaException: nothing was written, or all of it; compare again.
    """
    if not source.claim():
        raise RelayRuns("A relay is running: stop every relay and every worker first.")
    topics.ensure(cluster)
    producer = _producer(cluster)
    # Every earlier producer is fenced and its transaction ended: what is read now stays so.
    producer.init_transactions(ANSWER_SECONDS)
    noted, held = _settled(lambda: _kafka(cluster, name))
    end = _reached(held)
    if noted is not None:
        end = replace(
            max(end, noted, key=lambda place: place.position),
            checkpoint=max(end.checkpoint, noted.checkpoint),
        )
    found = _compared(Messages(source, name), source, held, noted, end, done)
    if found.faults:
        raise NotRecoverable(" ".join(found.sentences()))
    if not found.complete:
        producer.begin_transaction()
        for sequence, message in _expected(Messages(source, name), source, found.place):
            if sequence not in held[message.topic].events:
                _produce(producer, cluster, message)
        _produce(producer, cluster, Message(POSITIONS, name.encode(), found.place.as_value(), []))
        producer.commit_transaction(TRANSACTION_SECONDS)
        log.info("topics_recovered", position=found.place.position, messages=dict(found.missing))
    return found


# --- The log's side -------------------------------------------------------------------------------


def _expected(
    messages: Messages, source: Source, end: Place, done: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[int, Message]]:
    """Every message up to a place, with its sequence."""
    position = 0
    while position < end.position:
        rows = source.rows(position, min(EVENTS_READ, end.position - position))
        if not rows:
            return
        for row in rows:
            for message in messages.of(row):
                yield row[0], message
        position = rows[-1][0]
        done(position)
    size = 0
    while size < end.checkpoint and (some := source.checkpoints(size, EVENTS_READ)):
        for sealed in some:
            size = sealed.size
            if size <= end.checkpoint:
                yield size, messages.of_checkpoint(sealed)


def _compared(
    messages: Messages,
    source: Source,
    held: Mapping[str, Holdings],
    noted: Place | None,
    end: Place,
    done: Callable[[int], None],
) -> Found:
    faults = [fault for topic in held.values() for fault in topic.faults]
    published: Counter[str] = Counter()
    missing = Counter(dict.fromkeys(held, 0))
    known = {topic: set[int]() for topic in held}
    for sequence, message in _expected(messages, source, end, done):
        topic = held[message.topic]
        published[message.topic] += 1
        known[message.topic].add(sequence)
        there = topic.events.get(sequence)
        ours = identity(message.key, dict(message.headers))
        if there is None:
            missing[message.topic] += 1
            if topic.last.get(message.key, (0, 0))[1] > sequence:
                faults.append(f"{message.topic}: {ours[1]} is missing before later ones.")
        elif there != ours:
            faults.append(
                f"{message.topic}: at {sequence} there is {said(there)}, and {said(ours)} "
                "in the log."
            )
    for name, topic in held.items():
        limit = end.checkpoint if name == CHECKPOINTS else end.position
        faults += (
            f"{name}: {said(there)} at {sequence} is not in the log."
            for sequence, there in topic.events.items()
            if sequence <= limit and sequence not in known[name]
        )
    last = source.rows(end.position - 1, 1) if end.position else []
    place = Place(end.position, id_of(last[0]) if last else "", dict(published), end.checkpoint)
    if end.position > source.size():
        faults.insert(0, f"The log ends at {source.size()}, and Kafka at {end.position}.")
    present = {name: published[name] - missing[name] for name in held}
    return Found(place, noted, present, dict(missing), tuple(faults))


# --- Kafka's side -------------------------------------------------------------------------------


def _kafka(
    cluster: Cluster, name: str, without: frozenset[str] = frozenset()
) -> tuple[Place | None, dict[str, Holdings]]:
    """The position first: what it says has been published is there when it is looked for."""
    noted = None if POSITIONS in without else last_place(cluster, name)
    return noted, {
        topic: Holdings() if topic in without else holdings(cluster, topic, name)
        for topic in PUBLISHED_TO
    }


def _settled(ask: Callable[[], T]) -> T:
    """Ask until topics that were made a moment ago have a broker that leads them."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _reached(held: Mapping[str, Holdings]) -> Place:
    """How far the topics go; its event and its numbers are found in the log."""
    ends = {name: max(topic.events, default=0) for name, topic in held.items()}
    checkpoint = ends.pop(CHECKPOINTS)
    return replace(BEGINNING, position=max(ends.values()), checkpoint=checkpoint)


def _producer(cluster: Cluster) -> Producer:
    return Producer(
        {
            **cluster.settings,
            **PRODUCER,
            "transactional.id": cluster.named(TRANSACTIONAL_ID),
            "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
        }
    )


def _produce(producer: Producer, cluster: Cluster, message: Message) -> None:
    topic, key, value, headers = message
    while True:
        try:
            producer.produce(cluster.named(topic), value, key, headers=[*headers])
        except BufferError:
            producer.poll(1.0)  # the queue is full: what waits there goes on meanwhile
        else:
            return
