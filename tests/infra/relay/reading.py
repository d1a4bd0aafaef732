"""What the relay's tests read back, and the relay they run."""

import secrets
import threading
import time
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, TopicPartition

from infra.relay.relay import Relay
from infra.relay.source import LogSource

SOURCE = "urn:quartier"


def read(cluster, topic, *, isolation="read_committed", timeout=20):
    """Every message of a topic, partition by partition."""
    consumer = Consumer(
        {
            **cluster.settings,
            "group.id": secrets.token_hex(8),
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 20,
        }
    )
    try:
        name = cluster.named(topic)
        partitions = consumer.list_topics(name, timeout=timeout).topics[name].partitions
        consumer.assign([TopicPartition(name, partition, 0) for partition in partitions])
        messages, left = [], set(partitions)
        while left:
            message = consumer.poll(timeout)
            assert message is not None, f"{name} cannot be read to its end"
            if message.error() is None:
                messages.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
            else:
                raise AssertionError(message.error())
        return messages
    finally:
        consumer.close()


def headers(message):
    return {name: value.decode() for name, value in message.headers()}


def ids(messages, contract=None):
    """The ce_ids in the order they are read."""
    found = [headers(message)["ce_id"] for message in messages]
    return [each for each in found if contract is None or each.startswith(f"{contract}/")]


class Running:
    """A relay in a thread of this process, and what stopped it, if anything did."""

    def __init__(self, relay):
        self.relay = relay
        self.error = None
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.relay.run(self.stop)
        except Exception as error:
            self.error = error

    def has_come_to(self, position):
        return self.error is not None or self.relay._place.position >= position

    def end(self):
        self.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def relaying(log, cluster, source=None):
    """A relay that ends with the block."""
    running = Running(Relay(source or LogSource(log.connect), cluster, SOURCE))
    try:
        yield running
    finally:
        running.end()


def wait_until(true, seconds=30.0):
    """What becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found
