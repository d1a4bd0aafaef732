"""What the topics lack is put back, and a refusal is lifted: by a person, with every relay fenced.

The log knows every message that ever was. Whatever Kafka has lost is published again as it was,
and the position set anew, in one Kafka transaction: readers find the topics as they were or as
they should be, and a relay finds the old position or the new one. What cannot be put back without
doubling an event, or breaking the order of a contract's events, is only said.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from infra.relay import topics
from infra.relay.comparing import Comparison, Found, expected, reached, read_topics
from infra.relay.messages import Message, Messages
from infra.relay.publisher import PRODUCER, TRANSACTIONAL_ID
from infra.relay.topics import POSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infra.broker.kafka_client import Cluster
    from infra.relay.holdings import Holdings
    from infra.relay.positions import Place
    from infra.relay.source import Source

log = structlog.get_logger(__name__)

TRANSACTION_SECONDS: Final = 15 * 60
"""What brokers allow at most, unless told otherwise (`transaction.max.timeout.ms`)."""
ANSWER_SECONDS: Final = 30.0


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


def recover(
    cluster: Cluster, source: Source, name: str, done: Callable[[int], None] = lambda _: None
) -> Found:
    """Publish what is missing, and set the position to what the topics then hold.

    Returns:
        What was found before.

    Raises:
        RelayRuns: stop the relay first.
        NotRecoverable: what is there does not fit the log, or the relay refuses to go on.
        TopicsUnfit: the topics would lose it again.
        KafkaException: nothing was written, or all of it; compare again.
    """
    fenced = _fence(cluster, source, name)
    found = fenced.compared(source, done)
    if fenced.noted and fenced.noted.refused:
        lift = "If it shall go on all the same: quartier topics --accept-divergence"
        raise NotRecoverable(" ".join([*found.sentences(), lift]))
    if not found.fits:
        raise NotRecoverable(" ".join(found.sentences()))
    if not found.complete:
        missing = found.absent
        fenced.commit(
            found.place,
            (
                message
                for sequence, message in expected(Messages(source, name), source, found.place)
                if sequence in missing[message.topic]
            ),
        )
        log.info("topics_recovered", position=found.place.position, messages=found.missing)
    return found


def accept(
    cluster: Cluster, source: Source, name: str, done: Callable[[int], None] = lambda _: None
) -> Found:
    """Have the relay go on after the last published event, whatever differs up to there.

    Nothing is published again and nothing taken back: what differs is noted with the position, so
    that it is not taken for a new fault. What was published under an id stays published.

    Returns:
        What was found before: `differing` says what is accepted.

    Raises:
        RelayRuns: stop the relay first.
        NotRecoverable: the log does not reach as far as the topics, or these are out of order.
        TopicsUnfit: the topics would lose something.
        KafkaException: nothing was written, or all of it; compare again.
    """
    fenced = _fence(cluster, source, name)
    noted = fenced.noted
    found = fenced.compared(source, done)
    if noted is None or found.faults:
        raise NotRecoverable(" ".join(found.sentences()) or "Nothing was published yet.")
    span = found.span
    if span and noted.accepted:
        span = min(span[0], noted.accepted[0]), max(span[1], noted.accepted[1])
    place = replace(found.place, published=noted.published, accepted=span or noted.accepted)
    fenced.commit(replace(place, checkpoint=noted.checkpoint))
    log.warning("divergence_accepted", position=place.position, span=span)
    return found


@dataclass(frozen=True, slots=True)
class _Fenced:
    """The topics as they stand once every earlier producer is fenced, and one that may write."""

    cluster: Cluster
    name: str
    producer: Producer
    noted: Place | None
    held: dict[str, Holdings]

    def compared(self, source: Source, done: Callable[[int], None]) -> Found:
        noted, end = self.noted, reached(self.held)
        if noted is not None:
            end = replace(
                max(end, noted, key=lambda place: place.position),
                checkpoint=max(end.checkpoint, noted.checkpoint),
            )
        return Comparison(self.cluster, source, self.name, self.held, noted).made(end, done)

    def commit(self, place: Place, messages: Iterable[Message] = ()) -> None:
        """Publish these, and that the relay is there."""
        self.producer.begin_transaction()
        for message in messages:
            _produce(self.producer, self.cluster, message)
        position = Message(POSITIONS, self.name.encode(), place.as_value(), [])
        _produce(self.producer, self.cluster, position)
        self.producer.commit_transaction(TRANSACTION_SECONDS)


def _fence(cluster: Cluster, source: Source, name: str) -> _Fenced:
    if not source.claim():
        raise RelayRuns("A relay is running: stop every relay and every worker first.")
    topics.ensure(cluster)
    producer = _producer(cluster)
    # Every earlier producer is fenced and its transaction ended: what is read now stays so.
    producer.init_transactions(ANSWER_SECONDS)
    noted, held = _settled(lambda: read_topics(cluster, name))
    return _Fenced(cluster, name, producer, noted, held)


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
