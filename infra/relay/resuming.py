"""Where the relay goes on: at the position in Kafka, if that fits the topics and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.relay import topics
from infra.relay.positions import BEGINNING, Place, holds_anything, last_place, was_written
from infra.relay.source import id_of

if TYPE_CHECKING:
    from infra.kafka_client import Cluster
    from infra.relay.source import Source

PUBLISHED_TO: Final = (topics.FUNDING, topics.DECISIONS, topics.CHECKPOINTS)


class RelayStopped(Exception):
    """Going on would lose or double an event, and no new attempt can change that."""


class PositionLost(RelayStopped):
    """The topics hold events, and Kafka no longer says how far the relay had come."""


class TopicLost(RelayStopped):
    """A topic that the relay has written to is empty."""


class LogDiverged(RelayStopped):
    """The log is not the one whose events were published: it is shorter, or another."""


def resume(cluster: Cluster, source: Source, name: str) -> Place:
    """Where the relay of that name is.

    Raises:
        PositionLost, TopicLost, LogDiverged: going on from there would lose or double events.
        PositionsHeldBack: a transaction is open; ask again.
        KafkaException: the brokers cannot be asked.
    """
    place = last_place(cluster, name)
    if place is None:
        for topic in PUBLISHED_TO:
            if holds_anything(cluster, topic):
                raise PositionLost(
                    f"{topic} holds events, but {topics.POSITIONS} has no position of "
                    f"{name}: publishing again would double them. "
                    "See docs/finance.md, “The position is lost”."
                )
        return BEGINNING
    for topic in PUBLISHED_TO:
        if place.published.get(topic) and not was_written(cluster, topic):
            raise TopicLost(
                f"{topic} is empty, but {place.published[topic]} events were published to "
                "it: they would be missing. See docs/finance.md, “A topic is lost”."
            )
    last = source.rows(place.position - 1, 1)
    if not last or id_of(last[0]) != place.event:
        raise LogDiverged(
            f"Kafka holds events up to position {place.position} ({place.event}); in this log "
            f"that is {id_of(last[0]) if last else 'beyond its end'}. Was the database restored? "
            "See docs/finance.md, “The log diverged”."
        )
    return place
