"""The Kafka brokers a command works with, and what is wrong with them in a sentence."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException

from infra.broker import kafka_client
from infra.cli.terminal import USED_WRONGLY, fail, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.broker.kafka_client import Cluster


def named() -> Cluster:
    """The cluster that the environment names; ends the command where it names none.

    Raises:
        UnreadableSecret: a file that should hold a secret cannot be read.
    """
    try:
        return kafka_client.cluster()
    except kafka_client.NoBroker as error:
        fail(plain(error), USED_WRONGLY)


@contextlib.contextmanager
def answering(cluster: Cluster) -> Iterator[None]:
    """End the command with a sentence where the brokers do not answer, or do not let us in."""
    try:
        yield
    except KafkaException as error:
        fail(plain(f"Kafka: {kafka_client.reason(cluster, error)}"))
    except kafka_client.NotLetIn as error:
        fail(plain(f"Kafka does not let us in: {error}"))
