"""How fast events leave by the relay: beside a bare producer, and from the answer to the reader."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

from infra.accounts import Role, create_account
from infra.broker import kafka_client
from infra.broker.kafka_client import Cluster
from infra.database.connection import dedicated
from infra.processes.memory import look_seldom_for_cycles
from infra.relay import topics
from infra.relay.messages import Message, Messages
from infra.relay.publisher import PRODUCER
from infra.relay.relay import EVENTS_PER_TRANSACTION, Relay
from infra.relay.source import LogSource
from tests.bench.append import fresh as contracts
from tests.bench.http import BODY, served
from tests.bench.measure import Figure, Ratio, interleaved
from tests.infra.relay.story import Log, committed, fund, released, spent

if TYPE_CHECKING:
    from tests.bench.place import Place

CONTRACTS = 100
ROUNDS = 100
SOURCE = "urn:quartier:bench"

PER_SECOND = 20
SECONDS = 30


def fresh() -> Cluster:
    """The cluster of KAFKA_BOOTSTRAP_SERVERS, with topics that nobody has used."""
    cluster = Cluster(kafka_client.cluster().settings, f"bench{secrets.token_hex(4)}.")
    topics.ensure(cluster)
    return cluster


class Timed(LogSource):
    """The log, noting when the first batch was asked for."""

    began: float | None = None

    def rows(self, after, limit):
        if self.began is None:
            self.began = time.perf_counter()
        return super().rows(after, limit)


def relayed(events: int) -> float:
    """Events per second of the relay, from its first look at a full log to its last commit."""
    source, stop = Timed(dedicated), threading.Event()
    relay = Relay(source, fresh(), SOURCE)
    thread = threading.Thread(target=relay.run, args=[stop])
    thread.start()
    while relay._place.position < events and thread.is_alive():
        time.sleep(0.001)
    ended = time.perf_counter()
    stop.set()
    thread.join()
    assert source.began is not None
    return events / (ended - source.began)


def prepared(events: int) -> list[list[Message]]:
    """The messages of every batch, as the relay makes them."""
    source = LogSource(dedicated)
    messages, batches = Messages(source, SOURCE), []
    for after in range(0, events, EVENTS_PER_TRANSACTION):
        rows = source.rows(after, EVENTS_PER_TRANSACTION)
        batches.append([message for row in rows for message in messages.of(row)])
    source.close()
    return batches


def bare(batches: list[list[Message]], events: int) -> float:
    """Events per second of a producer that is handed the same bytes in the same batches."""
    cluster = fresh()
    name = cluster.named("bare")
    producer = Producer({**cluster.settings, **PRODUCER, "transactional.id": name})
    producer.init_transactions(20)
    produce, positions = producer.produce, cluster.named(topics.POSITIONS)
    names = {topic.name: cluster.named(topic.name) for topic in topics.TOPICS}
    began = time.perf_counter()
    for batch in batches:
        producer.begin_transaction()
        for topic, key, value, headers in batch:
            produce(names[topic], value, key, headers=headers)
        produce(positions, b"x" * 120, b"bare", partition=0)
        producer.commit_transaction(20)
    ended = time.perf_counter()
    producer.close()
    return events / (ended - began)


def beside_bare_producer(place: Place) -> Iterator[Ratio]:
    """Everything there is, as fast as it goes: mostly money, which costs the relay most."""
    log = Log(place.url)
    for number in range(CONTRACTS):
        contract = f"relay-{number}"
        fund(log, contract)
        for _ in range(ROUNDS):
            log.record(
                contract,
                committed("bancs", "10.50"),
                spent("bancs", "4.25"),
                released("bancs", "1.00"),
            )
    events = log.size()
    batches = prepared(events)
    look_seldom_for_cycles()  # as in the worker; and not at what only the bare producer is handed
    yield Ratio(
        f"relay {events:,} events, beside a bare transactional producer",
        *interleaved(lambda: relayed(events), lambda: bare(batches, events)),
        unit="events/s",
        mark=0.5,
    )


def answer_to_reader(place: Place) -> Iterator[Figure]:
    """From the answer to a recording over HTTP to a reader of committed messages, at a pace.

    With everything at work that is in production: the web service and the worker, each a process,
    the worker projecting, sealing and relaying.
    """
    cluster, stop = fresh(), threading.Event()
    token = create_account(f"pace-{secrets.token_hex(4)}", Role.COORDINATOR)
    (contract,) = contracts(1)
    arrived: dict[str, float] = {}
    reader = threading.Thread(target=_read, args=[cluster, arrived, stop])
    reader.start()
    with served("infra.conf.settings", "/health/live") as port, _working(cluster.prefix):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        _wait_until(lambda: f"{contract}/1" in arrived)
        answered: dict[str, float] = {}
        began = time.perf_counter()
        for number in range(PER_SECOND * SECONDS):
            time.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
            client.request(
                "POST",
                f"/api/v1/contracts/{contract}/decisions/promotion-activity-held",
                BODY,
                {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
            said = orjson.loads(client.getresponse().read())
            answered[f"{contract}/{said['version']}"] = time.perf_counter()
        _wait_until(lambda: answered.keys() <= arrived.keys())
    stop.set()
    reader.join()
    # What arrives before its answer took no time after it.
    taken = sorted(max(0.0, arrived[each] - answered[each]) * 1000 for each in answered)
    name = f"HTTP answer to read_committed reader at {PER_SECOND}/s"
    yield Figure(f"{name}, median", statistics.median(taken), "ms", 100)
    yield Figure(f"{name}, p99", taken[int(len(taken) * 0.99)], "ms", 500)


@contextlib.contextmanager
def _working(prefix: str) -> Iterator[None]:
    """`quartier worker`, with its topics under a prefix and a log key of its own."""
    with tempfile.TemporaryDirectory(prefix="quartier-bench-") as folder:
        worker = subprocess.Popen(
            [sys.executable, "-m", "infra.cli.program", "worker"],
            env={
                **os.environ,
                "KAFKA_TOPIC_PREFIX": prefix,
                "QUARTIER_SIGNING_KEY_FILE": f"{folder}/log-key",
            },
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            worker.terminate()
            worker.wait(10)


def _wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.perf_counter() + seconds
    while not true():
        if time.perf_counter() > deadline:
            raise TimeoutError("nothing arrives")
        time.sleep(0.02)


def _read(cluster: Cluster, arrived: dict[str, float], stop: threading.Event) -> None:
    """Note when each event arrives; those about money come in the same transactions as all."""
    consumer = Consumer(
        {
            **cluster.settings,
            "group.id": "bench",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    name = cluster.named(topics.DECISIONS)
    partitions = consumer.list_topics(name, timeout=15).topics[name].partitions
    consumer.assign([TopicPartition(name, each, 0) for each in partitions])
    while not stop.is_set():
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            id_ = dict(message.headers())["ce_id"].decode()
            arrived.setdefault(id_, time.perf_counter())
    consumer.close()
