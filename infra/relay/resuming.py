"""Where the relay goes on: at the position in Kafka, if that fits the topics and the log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from infra.log.notes import Checkpoint, Note, NoteError
from infra.relay import topics
from infra.relay.positions import (
    BEGINNING,
    Place,
    holds_anything,
    last_checkpoint,
    last_place,
    was_written,
)
from infra.relay.source import id_of, leaf_hash_of

if TYPE_CHECKING:
    from infra.broker.kafka_client import Cluster
    from infra.relay.source import Source

PUBLISHED_TO: Final = (topics.FUNDING, topics.DECISIONS, topics.CHECKPOINTS)


class RelayStopped(Exception):
    """Going on would lose or double an event, and no new attempt can change that."""


class PositionLost(RelayStopped):
    """The topics hold events, and Kafka no longer says how far the relay had come."""


class TopicLost(RelayStopped):
    """A topic that the relay has written to is empty."""


class LogDiverged(RelayStopped):
    """The log is not the one whose events were published: it is shorter, or another.

    place: what Kafka says, before this was noted there.
    """

    def __init__(self, why: str, place: Place) -> None:
        super().__init__(f"{why} See docs/finance.md, “The log diverged”.")
        self.place = place
        self.why = why


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
    if place.refused:
        raise LogDiverged(f"{place.refused} It was noted, and stays until it is lifted.", place)
    if why := divergence(cluster, source, name, place):
        raise LogDiverged(why, place)
    last = source.rows(place.position - 1, 1)
    return replace(place, leaf=leaf_hash_of(last[0])) if last and not place.leaf else place


def divergence(cluster: Cluster, source: Source, name: str, place: Place) -> str | None:
    """What shows that the log is not the one that was published; None if nothing does.

    Ids are no evidence: a database that was put back gives them out again. The leaf of the last
    event holds when it was recorded and the digest of its content; the root of the last published
    checkpoint covers all events before.
    """
    last = source.rows(place.position - 1, 1) if place.position else []
    ours = (id_of(last[0]), leaf_hash_of(last[0])) if last else ("", "")
    if ours != (place.event, place.leaf or ours[1]):
        here = f"is {ours[0]}, recorded {last[0][7]:%Y-%m-%d %H:%M:%S} UTC, another" if last else ""
        return (
            f"Kafka holds events up to position {place.position} ({place.event}); in this log "
            f"that {here or 'is beyond its end'}. Was the database restored?"
        )
    published = last_checkpoint(cluster, name=name)
    if published is None:
        return None
    try:
        checkpoint = Checkpoint.parse(Note.parse(published.value() or b"").text)
    except NoteError as error:
        return f"The last message of {topics.CHECKPOINTS} is no checkpoint: {error}."
    try:
        if place.accepts(checkpoint.size) or source.root(checkpoint.size) == checkpoint.root:
            return None
    except LookupError as error:
        raise RelayStopped(
            f"What was published cannot be compared with the log: {error}. "
            "`quartier check` says what is wrong."
        ) from error
    return (
        f"Kafka holds a checkpoint over {checkpoint.size} events that this log's first "
        f"{checkpoint.size} do not have. Was the database restored?"
    )
