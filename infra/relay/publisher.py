"""One Kafka transaction after another: an event's messages and the relay's position, or nothing.

A producer that failed is not used again, whatever the failure: a request of its own that is still
under way could hit a later transaction. The next one takes the same transactional id, at a higher
epoch, and the brokers refuse whatever the one before still sends.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from infra.relay.topics import LARGEST_MESSAGE, POSITIONS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.broker.kafka_client import Cluster
    from infra.relay.messages import Message
    from infra.relay.positions import Place

log = structlog.get_logger(__name__)

TRANSACTIONAL_ID: Final = "quartier.relay"

TRANSACTION_SECONDS: Final = 20.0
"""How long a transaction may be open; all that while, readers of committed messages wait."""
MESSAGE_SECONDS: Final = 15.0
"""How long a message may be under way; must not exceed that of the transaction."""
ANSWER_SECONDS: Final = 20.0

PRODUCER: Final = {
    "transaction.timeout.ms": int(TRANSACTION_SECONDS * 1000),
    "message.timeout.ms": int(MESSAGE_SECONDS * 1000),
    "message.max.bytes": LARGEST_MESSAGE,
    "compression.type": "lz4",
    # Where a key goes is the same for every client, Java's too.
    "partitioner": "murmur2_random",
    # The end of a transaction sends what is waiting; until then, let batches grow.
    "linger.ms": 20,
}

_FENCED: Final = {
    KafkaError._FENCED,  # noqa: SLF001 - its name
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED,
}


class ProducerLost(Exception):
    """The producer must be given up; whether the transaction took place, only Kafka knows.

    fenced: another producer has taken its place, or the brokers gave up waiting for it.
    aborted: it is known that the transaction did not take place.
    """

    def __init__(self, error: KafkaError, *, aborted: bool = False) -> None:
        super().__init__(f"{error.name()}: {error.str()}")
        self.fenced = error.code() in _FENCED
        self.aborted = aborted


class Publisher:
    """A transactional producer, from its start to its first failure."""

    def __init__(self, cluster: Cluster) -> None:
        self._names = {topic.name: cluster.named(topic.name) for topic in TOPICS}
        self._producer: Producer | None = Producer(
            {
                **cluster.settings,
                **PRODUCER,
                "transactional.id": cluster.named(TRANSACTIONAL_ID),
            }
        )

    def open(self) -> None:
        """Fence every earlier producer, and see their transactions ended.

        Raises:
            ProducerLost: the brokers cannot be reached, or refuse.
        """
        try:
            self._used().init_transactions(ANSWER_SECONDS)
        except KafkaException as error:
            raise ProducerLost(error.args[0]) from error

    def publish(self, messages: Iterable[Message], name: str, place: Place) -> None:
        """Commit these messages, and that the relay has come to this place.

        Raises:
            ProducerLost: give this publisher up; read the position back from Kafka.
        """
        producer = self._used()
        try:
            producer.begin_transaction()
            names = self._names
            for topic, key, value, headers in messages:
                self._produce(producer, names[topic], value, key, headers=headers)
            self._produce(producer, names[POSITIONS], place.as_value(), name.encode(), partition=0)
            self._commit(producer)
        except KafkaException as error:
            fault: KafkaError = error.args[0]
            raise ProducerLost(fault, aborted=self._aborted(producer, fault)) from error

    def drop(self) -> None:
        """Give the producer up. What it still has to say goodbye for is waited for elsewhere."""
        producer, self._producer = self._producer, None
        if producer is not None:
            threading.Thread(target=_leave, args=[producer], daemon=True).start()

    def _used(self) -> Producer:
        if self._producer is None:
            raise RuntimeError("this publisher was given up")
        return self._producer

    def _produce(
        self, producer: Producer, topic: str, value: bytes, key: bytes, **more: Any
    ) -> None:
        try:
            producer.produce(topic, value, key, **more)
        except BufferError:
            # The queue is full: the brokers are slow. What waits there goes on meanwhile.
            producer.flush(MESSAGE_SECONDS)
            try:
                producer.produce(topic, value, key, **more)
            except BufferError:
                raise KafkaException(KafkaError(KafkaError._QUEUE_FULL)) from None  # noqa: SLF001

    def _commit(self, producer: Producer) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                producer.commit_transaction(max(0.1, deadline - time.monotonic()))
            except KafkaException as error:
                fault: KafkaError = error.args[0]
                # A timed-out commit is "retriable" too, but then nobody knows what became of it.
                indefinite = fault.code() == KafkaError._TIMED_OUT  # noqa: SLF001 - its name
                if not fault.retriable() or indefinite or time.monotonic() > deadline:
                    raise
            else:
                return

    def _aborted(self, producer: Producer, fault: KafkaError) -> bool:
        """Abort where Kafka asks for it, so that readers need not wait until it times out."""
        if not fault.txn_requires_abort():
            return False
        try:
            producer.abort_transaction(ANSWER_SECONDS)
        except KafkaException as error:
            log.info("relay_abort_failed", reason=error.args[0].name())
            return False
        return True


def _leave(producer: Producer) -> None:
    """Let go of the last reference, which ends the producer's own threads.

    Not by `close`: it aborts first, and an abort in place is what is not to be done.
    """
    producer.purge()
