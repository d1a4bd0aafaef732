"""Whether what is published fits the log, as far as Kafka says: for `quartier check`."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from confluent_kafka import KafkaException

from infra.broker import kafka_client
from infra.relay import topics
from infra.relay.comparing import compare
from infra.relay.positions import PositionsHeldBack
from infra.relay.resuming import LogDiverged, RelayStopped, resume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.broker.kafka_client import Cluster
    from infra.relay.source import Source

T = TypeVar("T")

LATE: Final = timedelta(minutes=1)
"""An event that is still not published after that long is said."""

ATTEMPTS: Final = 4
"""A relay that is busy has a transaction open most of the time, but none for long."""


def findings(cluster: Cluster, source: Source, name: str) -> Iterator[str]:
    """What is wrong with the topics, and with what the relay of that name has published.

    Every message is compared with what would be published of the log now.
    """
    try:
        if faults := topics.faults(cluster):
            yield from faults
            return
        place = _unhindered(lambda: resume(cluster, source, name))
        yield from _unhindered(lambda: compare(cluster, source, name)).sentences()
    except KafkaException as error:
        yield f"Kafka does not answer: {kafka_client.reason(cluster, error)}."
        return
    except LogDiverged as found:
        yield str(found)
        yield from _differences(cluster, source, name)
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


def _differences(cluster: Cluster, source: Source, name: str) -> Iterator[str]:
    try:
        found = _unhindered(lambda: compare(cluster, source, name))
    except (KafkaException, PositionsHeldBack):
        return  # what is wrong was said; what differs, it says at the next attempt
    yield from found.sentences(refused=False)


def _unhindered(ask: Callable[[], T]) -> T:
    for _ in range(ATTEMPTS):
        with contextlib.suppress(PositionsHeldBack):
            return ask()
    return ask()
