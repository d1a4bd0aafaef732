"""Whether what is published fits the log, as far as Kafka says: for `quartier check`."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from infra import kafka_client
from infra.relay import topics
from infra.relay.positions import PositionsHeldBack
from infra.relay.resuming import RelayStopped, resume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.kafka_client import Cluster
    from infra.relay.positions import Place
    from infra.relay.source import Source

LATE: Final = timedelta(minutes=1)
"""An event that is still not published after that long is said."""

ATTEMPTS: Final = 4
"""A relay that is busy has a transaction open most of the time, but none for long."""


def findings(cluster: Cluster, source: Source, name: str) -> Iterator[str]:
    """What is wrong with the topics, and with what the relay of that name has published."""
    try:
        if faults := topics.faults(cluster):
            yield from faults
            return
        place = _place(cluster, source, name)
    except KafkaException as error:
        yield f"Kafka does not answer: {kafka_client.reason(cluster, error)}."
        return
    except (RelayStopped, PositionsHeldBack) as found:
        yield str(found)
        return
    waiting = source.rows(place.position, 1)
    if waiting and datetime.now(UTC) - waiting[0][7] > LATE:
        yield (
            f"{source.size() - place.position} events are not published, the oldest of them "
            f"recorded at {waiting[0][7]:%Y-%m-%d %H:%M:%S} UTC. Does a relay run?"
        )


def _place(cluster: Cluster, source: Source, name: str) -> Place:
    for _ in range(ATTEMPTS):
        with contextlib.suppress(PositionsHeldBack):
            return resume(cluster, source, name)
    return resume(cluster, source, name)
