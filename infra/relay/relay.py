"""The loop: read the log, publish, and after any failure begin again from what Kafka holds."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import psycopg
import structlog
from confluent_kafka import KafkaException
from pydantic import ValidationError

from domain.decision import UnknownDecisionType
from domain.stored import NewerSchema
from infra import kafka_client
from infra.database import dedicated
from infra.relay import metrics, topics
from infra.relay.messages import Message, Messages
from infra.relay.positions import (
    BEGINNING,
    Place,
    PositionsHeldBack,
    holds_anything,
    last_place,
    was_written,
)
from infra.relay.publisher import ProducerLost, Publisher
from infra.relay.source import LogSource

if TYPE_CHECKING:
    from infra.kafka_client import Cluster
    from infra.relay.source import Row, Source

log = structlog.get_logger(__name__)

EVENTS_PER_TRANSACTION: Final = 500
BYTES_PER_TRANSACTION: Final = 8 * 1024 * 1024
POLL_SECONDS: Final = 1.0
"""How long a lost NOTIFY can delay an event."""
LONGEST_PAUSE: Final = 5.0
PUBLISHED_TO: Final = (topics.FUNDING, topics.DECISIONS)


class RelayStopped(Exception):
    """Going on would lose or double an event, and no new attempt can change that."""


class PositionLost(RelayStopped):
    """The topics hold events, and Kafka no longer says how far the relay had come."""


class TopicLost(RelayStopped):
    """A topic that the relay has written to is empty."""


class LogDiverged(RelayStopped):
    """The log is not the one whose events were published: it is shorter, or another."""


class UnreadableEvent(RelayStopped):
    """An event that this program cannot read. It is not skipped."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction holds, and where the relay is after it."""

    messages: list[Message]
    place: Place
    events: int


def source_name() -> str:
    """What events say they come from (`ce_source`): `QUARTIER_SOURCE`. It is never changed."""
    return os.environ.get("QUARTIER_SOURCE") or "urn:quartier"


def relay(stop: threading.Event) -> None:
    """Relay the event log into Kafka until asked to stop.

    Raises:
        RelayStopped, TopicsUnfit: somebody must look at it first; the sentence says why.
        NoBroker: none is named.
    """
    Relay(LogSource(dedicated), kafka_client.cluster(), source_name()).run(stop)


class Relay:
    """One relay. Several may run: one is active, and the others wait for its end.

    Args:
        source: the event log.
        cluster: where it publishes to.
        name: the `ce_source` of its events.
    """

    def __init__(self, source: Source, cluster: Cluster, name: str) -> None:
        self._source = source
        self._cluster = cluster
        self._name = name
        self._messages = Messages(source, name)
        self._place = BEGINNING
        self._pause = 0.0

    def run(self, stop: threading.Event) -> None:
        """Relay until asked to stop; begin anew after every failure that may pass."""
        while not stop.is_set():
            try:
                self._live(stop)
            except (ProducerLost, PositionsHeldBack, KafkaException, psycopg.Error) as error:
                self._pause = min(LONGEST_PAUSE, self._pause * 2 or 0.1)
                log.warning("relay_interrupted", reason=_reason(error), pause=self._pause)
                # Two that fence one another in turns must not keep in step.
                self._rest(stop, self._pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            finally:
                metrics.active.set(0)
                self._source.close()
                self._messages.forget()

    # --- The life of one producer ---------------------------------------------------------------

    def _live(self, stop: threading.Event) -> None:
        while not self._source.claim():
            if stop.wait(POLL_SECONDS):
                return
        topics.ensure(self._cluster)
        metrics.starts.inc()
        publisher = Publisher(self._cluster)
        try:
            publisher.open()
            self._place = self._read_back()
            metrics.active.set(1)
            log.info("relay_started", position=self._place.position)
            with ThreadPoolExecutor(1, "relay-source") as reader:
                self._publish_all(publisher, reader, stop)
        finally:
            publisher.drop()
        log.info("relay_stopped", position=self._place.position)

    def _publish_all(
        self, publisher: Publisher, reader: ThreadPoolExecutor, stop: threading.Event
    ) -> None:
        """While one batch is being committed, the next one is read and prepared."""
        ahead: Future[Batch | None] = reader.submit(self._prepare, self._place)
        while not stop.is_set():
            batch = ahead.result()
            ahead = reader.submit(self._prepare, batch.place if batch else self._place)
            if batch is not None:
                self._publish(publisher, batch)

    def _publish(self, publisher: Publisher, batch: Batch) -> None:
        began = time.perf_counter()
        try:
            publisher.publish(batch.messages, self._name, batch.place)
        except ProducerLost as error:
            metrics.transactions.labels("aborted" if error.aborted else "unknown").inc()
            raise
        metrics.transaction_seconds.observe(time.perf_counter() - began)
        metrics.transactions.labels("committed").inc()
        metrics.events.inc(batch.events)
        for topic, number in batch.place.published.items():
            metrics.messages.labels(topic).inc(number - self._place.published.get(topic, 0))
        self._place = batch.place
        metrics.position.set(batch.place.position)
        self._pause = 0.0

    def _prepare(self, place: Place) -> Batch | None:
        """The messages of the next events, waiting a while for one; None if none came."""
        rows = self._source.rows(place.position, EVENTS_PER_TRANSACTION)
        if not rows:
            self._observe(None)
            self._source.wait(POLL_SECONDS)
            rows = self._source.rows(place.position, EVENTS_PER_TRANSACTION)
        if not rows:
            return None
        self._observe(rows[0])
        messages: list[Message] = []
        published = Counter(place.published)
        size = events = 0
        for row in rows:
            for message in self._messages_of(row):
                messages.append(message)
                published[message.topic] += 1
                size += len(message.value)
            events += 1
            if size > BYTES_PER_TRANSACTION:
                break
        last = rows[events - 1]
        return Batch(messages, Place(last[0], _id(last), dict(published)), events)

    def _messages_of(self, row: Row) -> list[Message]:
        try:
            return self._messages.of(row)
        except (UnknownDecisionType, NewerSchema, ValidationError) as error:
            raise UnreadableEvent(
                f"The event at position {row[0]} ({row[3]}) cannot be read by this program: "
                f"{type(error).__name__}. Nothing after it is published."
            ) from error

    # --- What Kafka holds -----------------------------------------------------------------------

    def _read_back(self) -> Place:
        """Where the relay is, after checking that it fits the topics and the log.

        Raises:
            PositionLost, TopicLost, LogDiverged: it does not.
        """
        place = last_place(self._cluster, self._name)
        if place is None:
            for topic in PUBLISHED_TO:
                if holds_anything(self._cluster, topic):
                    raise PositionLost(
                        f"{topic} holds events, but {topics.POSITIONS} has no position of "
                        f"{self._name}: publishing again would double them. "
                        "See docs/finance.md, “The position is lost”."
                    )
            return BEGINNING
        for topic in PUBLISHED_TO:
            if place.published.get(topic) and not was_written(self._cluster, topic):
                raise TopicLost(
                    f"{topic} is empty, but {place.published[topic]} events were published to "
                    "it: they would be missing. See docs/finance.md, “A topic is lost”."
                )
        last = self._source.rows(place.position - 1, 1)
        if not last or _id(last[0]) != place.event:
            raise LogDiverged(
                f"Kafka holds events up to position {place.position} ({place.event}); in this log "
                f"that is {_id(last[0]) if last else 'beyond its end'}. Was the database restored?"
            )
        return place

    # --- Figures --------------------------------------------------------------------------------

    def _observe(self, oldest: Row | None) -> None:
        if oldest is None:
            metrics.lag_events.set(0)
            metrics.lag_seconds.set(0)
            return
        metrics.lag_events.set(self._source.size() - oldest[0] + 1)
        recorded_at: datetime = oldest[7]
        metrics.lag_seconds.set(max(0.0, (datetime.now(UTC) - recorded_at).total_seconds()))

    def _rest(self, stop: threading.Event, seconds: float) -> None:
        stop.wait(seconds)
        try:
            rows = self._source.rows(self._place.position, 1)
            self._observe(rows[0] if rows else None)
        except psycopg.Error:
            pass  # the next attempt will say so


def _id(row: Row) -> str:
    return f"{row[1]}/{row[2]}"


def _reason(error: Exception) -> str:
    match error:
        case ProducerLost() if error.fenced:
            return f"another relay has taken over, or it took too long: {error}"
        case KafkaException():
            return f"{error.args[0].name()}: {error.args[0].str()}"
        case psycopg.Error():
            return type(error).__name__
        case _:
            return str(error)
