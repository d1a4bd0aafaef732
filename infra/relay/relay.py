"""The loop: read the log, publish, and after any failure begin again from what Kafka holds."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import psycopg
import structlog
from confluent_kafka import KafkaException

from domain.kernel.payload import UnreadableEvent
from infra.broker import kafka_client
from infra.database.connection import dedicated
from infra.relay import metrics, topics
from infra.relay.messages import Message, Messages
from infra.relay.positions import BEGINNING, Place, PositionsHeldBack
from infra.relay.publisher import ProducerLost, Publisher
from infra.relay.resuming import LogDiverged, RelayStopped, resume
from infra.relay.source import LogSource, id_of, leaf_hash_of

if TYPE_CHECKING:
    from infra.broker.kafka_client import Cluster
    from infra.relay.source import Row, Source

log = structlog.get_logger(__name__)

EVENTS_PER_TRANSACTION: Final = 500
BYTES_PER_TRANSACTION: Final = 8 * 1024 * 1024
POLL_SECONDS: Final = 1.0
"""How long a lost NOTIFY can delay an event."""
LONGEST_PAUSE: Final = 5.0


class StoppedAtEvent(RelayStopped):
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


def relay_of(cluster: Cluster) -> Relay:
    """The relay of this installation's event log into these brokers."""
    return Relay(LogSource(dedicated), cluster, source_name())


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
        """Relay until asked to stop; begin anew after every failure that may pass.

        Raises:
            RelayStopped, TopicsUnfit: somebody must look at it first; the sentence says why.
        """
        while not stop.is_set():
            try:
                self._live(stop)
            except (ProducerLost, PositionsHeldBack, KafkaException, psycopg.Error) as error:
                self._pause = min(LONGEST_PAUSE, self._pause * 2 or 0.1)
                log.warning("relay_interrupted", reason=self._reason(error), pause=self._pause)
                # Two that fence one another in turns must not keep in step.
                self._rest(stop, self._pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            except (RelayStopped, topics.TopicsUnfit) as refused:
                self._source.say(f"refused: {type(refused).__name__}")
                raise
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
            self._place = self._resume(publisher)
            self._source.say(None)
            metrics.active.set(1)
            log.info("relay_started", position=self._place.position)
            with ThreadPoolExecutor(1, "relay-source") as reader:
                self._publish_all(publisher, reader, stop)
        finally:
            publisher.drop()
        log.info("relay_stopped", position=self._place.position)

    def _resume(self, publisher: Publisher) -> Place:
        """Where to go on; that the log is another one is noted in Kafka before it is raised.

        A log that was put back grows again, and might later look like the one that was published.
        """
        try:
            return resume(self._cluster, self._source, self._name)
        except LogDiverged as found:
            if not found.place.refused:
                publisher.publish([], self._name, replace(found.place, refused=found.why))
            raise

    def _publish_all(
        self, publisher: Publisher, reader: ThreadPoolExecutor, stop: threading.Event
    ) -> None:
        """While one batch is being committed, the next one is read and prepared."""
        ahead: Future[Batch | None] = reader.submit(self._prepare, self._place)
        # One that was suspended and has lost its lease is fenced, but need not try it.
        while self._source.holds() and not stop.is_set():
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
        """What is to be published next, waiting a while for it; None if nothing came."""
        batch = self._next(place)
        if batch is None:
            self._observe(None)
            self._source.wait(POLL_SECONDS)
            batch = self._next(place)
        return batch

    def _next(self, place: Place) -> Batch | None:
        """The messages of the next events, and of the checkpoints that cover no later one."""
        rows = self._source.rows(place.position, EVENTS_PER_TRANSACTION)
        if rows:
            self._observe(rows[0])
        messages: list[Message] = []
        size = events = 0
        for row in rows:
            of_row = self._messages_of(row)
            messages += of_row
            size += sum(len(message.value) for message in of_row)
            events += 1
            if size > BYTES_PER_TRANSACTION:
                break
        after = place
        if events:
            last = rows[events - 1]
            after = replace(place, position=last[0], event=id_of(last), leaf=leaf_hash_of(last))
        for sealed in self._source.checkpoints(place.checkpoint, EVENTS_PER_TRANSACTION):
            if sealed.size > after.position:
                break
            messages.append(self._messages.of_checkpoint(sealed))
            after = replace(after, checkpoint=sealed.size)
        if not messages:
            return None
        published = Counter(place.published)
        published.update(message.topic for message in messages)
        return Batch(messages, replace(after, published=dict(published)), events)

    def _messages_of(self, row: Row) -> list[Message]:
        try:
            return self._messages.of(row)
        except UnreadableEvent as error:
            raise StoppedAtEvent(f"{error} Nothing after it is published.") from error

    # --- Figures --------------------------------------------------------------------------------

    def _observe(self, oldest: Row | None) -> None:
        metrics.observed.set_to_current_time()
        if oldest is None:
            metrics.lag_events.set(0)
            metrics.lag_seconds.set(0)
            return
        metrics.lag_events.set(self._source.size() - oldest[0] + 1)
        recorded_at: datetime = oldest[7]
        metrics.lag_seconds.set(max(0.0, (datetime.now(UTC) - recorded_at).total_seconds()))

    def _rest(self, stop: threading.Event, seconds: float) -> None:
        stop.wait(seconds)
        if not self._source.holds():
            return  # the figures are another relay's by now
        try:
            rows = self._source.rows(self._place.position, 1)
            self._observe(rows[0] if rows else None)
        except psycopg.Error:
            pass  # the next attempt will say so

    def _reason(self, error: Exception) -> str:
        match error:
            case ProducerLost() if error.fenced:
                return f"another relay has taken over, or it took too long: {error}"
            case KafkaException():
                return kafka_client.reason(self._cluster, error)
            case psycopg.Error():
                return type(error).__name__
            case _:
                return str(error)
