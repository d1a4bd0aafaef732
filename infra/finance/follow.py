"""Follow `quartier.funding.v1` into a finance database, each event once.

Where the reading is, the finance database says: no consumer group is joined, and no offset is
kept in Kafka, where it would expire and could not be part of the transaction. A topic that was
deleted and made again is told by its id, and read from its beginning: offsets mean nothing there,
and what is landed already is known.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import orjson
import psycopg
import structlog
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from infra.broker import kafka_client
from infra.broker.embedded_broker import is_embedded
from infra.finance.landing import FinanceDatabase, Landed, Overtaken, StreamFault
from infra.relay.shapes import FUNDING_SCHEMA
from infra.relay.topics import FUNDING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from confluent_kafka import Message

    from infra.broker.kafka_client import Cluster

log = structlog.get_logger(__name__)

BATCH: Final = 500
WAIT_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 15.0
LONGEST_PAUSE: Final = 5.0
_LOST: Final = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)
"""What befalls the connection to the finance database."""

IDLE_SECONDS: Final = 30
"""After which the database ends a transaction that waits for its follower."""


class SchemaUnknown(StreamFault):
    """A message that this program does not know how to read. It is not passed over."""


class EventsExpired(StreamFault):
    """The topic no longer holds what was to be read next."""


class NoTopic(Exception):
    """There is no such topic yet, or its name is another."""


def read_message(message: Message) -> Landed:
    """A message of `quartier.funding.v1`.

    Raises:
        SchemaUnknown: it is none, or of a newer version than this program.
    """
    headers = {name: _text(value) for name, value in dict(message.headers() or []).items()}
    if headers.get("ce_dataschema") != FUNDING_SCHEMA:
        raise SchemaUnknown(
            f"{message.topic()}[{message.partition()}]@{message.offset()} has schema "
            f"{headers.get('ce_dataschema')}, known is {FUNDING_SCHEMA}."
        )
    value = message.value() or b""
    return Landed(
        headers["ce_source"],
        headers["ce_id"],
        int(headers["ce_sequence"]),
        value,
        orjson.loads(value),
    )


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""


def reader(cluster: Cluster) -> AbstractContextManager[Consumer]:
    """A consumer of committed messages, which Kafka keeps no offsets of."""
    return kafka_client.reader(cluster, "quartier.funding.follow", fetch_wait_max_ms=100)


def partitions(consumer: Consumer, topic: str) -> list[int]:
    """The partitions of a topic.

    Raises:
        NoTopic: there is no such topic.
        KafkaException: the brokers cannot be asked, or do not let us read it.
    """
    metadata = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
    if metadata.error is not None and metadata.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise NoTopic(
            f"There is no topic {topic}: has the relay run, and is KAFKA_TOPIC_PREFIX the same?"
        )
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    return sorted(metadata.partitions)


def identity(cluster: Cluster, topic: str) -> str:
    """What tells a topic from another one of the same name that took its place.

    Empty where the brokers do not say: those before Kafka 3.1. The embedded broker's topics are
    as old as itself.
    """
    admin = AdminClient(dict(cluster.settings))
    brokers = admin.list_topics(timeout=ANSWER_SECONDS)
    if is_embedded(brokers.cluster_id):
        return f"{brokers.cluster_id} {cluster.settings['bootstrap.servers']}"
    (told,) = admin.describe_topics(TopicCollection([topic])).values()
    try:
        return str(told.result(ANSWER_SECONDS).topic_id or "")
    except (KafkaException, TimeoutError) as error:
        log.info("topic_not_told_apart", topic=topic, reason=str(error) or "no answer")
        return ""


class Follower:
    """One follower. Several may run on one database; they take turns.

    Args:
        cluster: where the topic is.
        connect: opens a connection to the finance database, not in autocommit.
        told: is told how many events were landed, after every batch.
    """

    def __init__(
        self,
        cluster: Cluster,
        connect: Callable[[], psycopg.Connection[Any]],
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._connect = connect
        self._told = told
        self._topic = cluster.named(FUNDING)
        self._began = False
        self.landed = 0

    def run(self, stop: threading.Event, *, once: bool = False, after: int | None = None) -> None:
        """Land events until asked to stop, or with `once` all there are now.

        Args:
            stop: ends it between two batches.
            once: return at the end of the topic.
            after: replay: read from the beginning and land what follows this position.

        Raises:
            StreamFault: an event is missing, differs, has expired or cannot be read.
            KafkaException, NoTopic, psycopg.Error: with `once`, they are not tried again.
        """
        pause = 0.0
        self._began = False
        while not stop.is_set():
            landed = self.landed
            try:
                self._follow(stop, once=once, after=after)
            except Overtaken:
                log.info("follow_overtaken")
                stop.wait(0.2)
            except (KafkaException, NoTopic, *_LOST) as error:
                if once:
                    raise
                pause = 0.1 if self.landed > landed else min(LONGEST_PAUSE, pause * 2 or 0.1)
                log.warning("follow_interrupted", reason=self._reason(error), pause=pause)
                stop.wait(pause)
            else:
                return
            if self._began:
                after = None  # the beginning of a replay is noted in the database

    def _reason(self, error: Exception) -> str:
        if isinstance(error, KafkaException):
            return kafka_client.reason(self._cluster, error)
        return str(error).strip() or type(error).__name__

    def _follow(self, stop: threading.Event, *, once: bool, after: int | None) -> None:
        with reader(self._cluster) as consumer, self._connect() as connection:
            # One that is suspended keeps the others waiting no longer than that.
            connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
            connection.commit()
            database = FinanceDatabase(connection, self._topic)
            found = partitions(consumer, self._topic)
            offsets = database.prepare(
                found, after=after, identity=identity(self._cluster, self._topic)
            )
            begins = database.after()
            connection.commit()
            self._began = True
            log.info(
                "follow_started",
                topic=self._topic,
                after=begins,
                offsets={str(partition): offset for partition, offset in sorted(offsets.items())},
            )
            consumer.assign(
                [
                    TopicPartition(self._topic, partition, offset or OFFSET_BEGINNING)
                    for partition, offset in offsets.items()
                ]
            )
            left = set(offsets)
            while not stop.is_set() and not (once and not left):
                batch, read, ended = next_batch(consumer)
                left -= ended
                if not read:
                    continue
                moved = {part: (offsets[part], following) for part, following in read.items()}
                began = time.monotonic()
                new = database.land(batch, moved, after=begins)
                offsets |= read
                self.landed += new
                self._told(self.landed)
                log.debug("follow_landed", new=new, seconds=time.monotonic() - began)


def next_batch(consumer: Consumer) -> tuple[list[Landed], dict[int, int], set[int]]:
    """Messages that are there, their partitions' next offsets, and partitions at their end."""
    batch: list[Landed] = []
    offsets: dict[int, int] = {}
    ended: set[int] = set()
    first = consumer.poll(WAIT_SECONDS)
    if first is not None:
        for message in [first, *consumer.consume(BATCH - 1, 0)]:
            error = message.error()
            partition = message.partition()
            if error is None and partition is not None:
                batch.append(read_message(message))
                offsets[partition] = (message.offset() or 0) + 1
                ended.discard(partition)
            elif error is not None:
                _raise(error, message)
                if partition is not None:
                    ended.add(partition)
    return batch, offsets, ended


def _raise(error: KafkaError, message: Message) -> None:
    """Raise what is wrong; the end of a partition is not."""
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
        return
    if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - its name
        raise EventsExpired(
            f"{message.topic()}[{message.partition()}] no longer holds what was to be read next "
            f"({error.str()}). --after 0 reads all that it holds; see docs/finance.md, "
            "“Replaying”."
        )
    raise KafkaException(error)
