"""What the topics hold, message by message, beside what would be published of the log now."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from domain.kernel.decision import UnknownDecisionType
from domain.kernel.payload import NewerSchema, UnreadableEvent
from infra.relay.holdings import (
    Held,
    Holdings,
    absent,
    difference,
    holdings,
    is_held,
    read_again,
    said_of,
)
from infra.relay.messages import Message, Messages
from infra.relay.positions import BEGINNING, Place, last_place
from infra.relay.resuming import PUBLISHED_TO
from infra.relay.source import id_of, leaf_hash_of
from infra.relay.topics import CHECKPOINTS, POSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from infra.broker.kafka_client import Cluster
    from infra.relay.source import Source

EVENTS_READ: Final = 500
SUSPECTS: Final = 1_000
"""Messages that are read again at a time, to see how they differ."""

SHOWN: Final = 10
"""Faults that are said one by one."""


@dataclass(frozen=True, slots=True)
class Found:
    """The topics beside the log, up to the last event that was published.

    place: where the relay is once everything is there.
    noted: what the topic of positions says; None if it says nothing.
    held: how many of our messages are in each topic.
    absent: which are not, by `ce_sequence`.
    differing: in which messages the topics and the log differ, a sentence each, in order.
    span: the first and the last position where they do.
    faults: what else cannot be put right here.
    """

    place: Place
    noted: Place | None
    held: Mapping[str, int]
    absent: Mapping[str, frozenset[int]]
    differing: tuple[str, ...]
    span: tuple[int, int] | None
    faults: tuple[str, ...]

    @property
    def missing(self) -> dict[str, int]:
        """How many of our messages are not in each topic."""
        return {topic: len(absent) for topic, absent in self.absent.items()}

    @property
    def fits(self) -> bool:
        """Whether what is there is what the log says, in order; some of it may be missing."""
        return not (self.faults or self.differing)

    @property
    def complete(self) -> bool:
        """Whether each message is there once and in order, and the position says the same."""
        noted = self.noted or BEGINNING
        return self.fits and not any(self.absent.values()) and noted == self.place

    def _says_so(self) -> bool:
        return replace(self.noted or BEGINNING, refused=None) == self.place

    def sentences(self, *, refused: bool = True) -> Iterator[str]:
        """What is wrong, a sentence each; that the relay refuses to go on only if it is asked."""
        if refused and self.noted is not None and self.noted.refused:
            yield f"The relay refuses to go on: {self.noted.refused}"
        for topic, missing in self.missing.items():
            if missing:
                yield f"{topic}: {missing} of {self.held[topic] + missing} messages are missing."
        if self.noted is None and self.place.position:
            yield f"{POSITIONS}: there is no position, and events up to {self.place.position}."
        elif self.fits and not any(self.absent.values()) and not self._says_so():
            yield f"{POSITIONS}: the position is not that of what the topics hold."
        wrong = [*self.faults, *self.differing]
        yield from wrong[:SHOWN]
        if len(wrong) > SHOWN:
            yield f"And {len(wrong) - SHOWN} more."


def compare(
    cluster: Cluster, source: Source, name: str, done: Callable[[int], None] = lambda _: None
) -> Found:
    """Every message of ours, and the whole log up to the last event that was published.

    A relay may run meanwhile; what it publishes from now on is left out.

    Args:
        cluster: where the topics are.
        source: the log.
        name: the `ce_source` of its events.
        done: is told the position reached in the log.

    Raises:
        PositionsHeldBack: a transaction is open just now; ask again.
        KafkaException: the brokers cannot be asked, or there is no such topic.
    """
    noted, held = read_topics(cluster, name, absent(cluster, {*PUBLISHED_TO, POSITIONS}))
    end = noted or reached(held)
    return Comparison(cluster, source, name, held, noted).made(end, done)


def read_topics(
    cluster: Cluster, name: str, without: frozenset[str] = frozenset()
) -> tuple[Place | None, dict[str, Holdings]]:
    """The position first: what it says has been published is there when it is looked for."""
    noted = None if POSITIONS in without else last_place(cluster, name)
    return noted, {
        topic: Holdings() if topic in without else holdings(cluster, topic, name)
        for topic in PUBLISHED_TO
    }


def reached(held: Mapping[str, Holdings]) -> Place:
    """How far the topics go; its event and its numbers are found in the log."""
    ends = {name: max(topic.events, default=0) for name, topic in held.items()}
    checkpoint = ends.pop(CHECKPOINTS)
    return replace(BEGINNING, position=max(ends.values()), checkpoint=checkpoint)


class Comparison:
    """One reading of the topics beside one of the log."""

    def __init__(
        self,
        cluster: Cluster,
        source: Source,
        name: str,
        held: Mapping[str, Holdings],
        noted: Place | None,
    ) -> None:
        self._cluster = cluster
        self._source = source
        self._messages = Messages(source, name)
        self._held = held
        self._noted = noted
        self._known = noted or BEGINNING
        self._faults = [fault for topic in held.values() for fault in topic.faults]
        self._differing = defaultdict[int, list[str]](list)
        self._suspects: list[tuple[Held, Message]] = []
        self._cut_short = False

    def made(self, end: Place, done: Callable[[int], None]) -> Found:
        """What is found up to a place. What was held is taken from the holdings meanwhile."""
        if end.position > self._source.size():
            self._faults.append(f"The log ends at {self._source.size()}, Kafka at {end.position}.")
        published: Counter[str] = Counter()
        missing = {topic: set[int]() for topic in self._held}
        for sequence, message in self._expected(end, done):
            published[message.topic] += 1
            if not self._look(sequence, message):
                missing[message.topic].add(sequence)
        self._judge()
        if not self._cut_short:
            self._judge_others(end)
        last = self._source.rows(end.position - 1, 1) if end.position else []
        place = Place(
            end.position,
            id_of(last[0]) if last else "",
            self._counted(published),
            end.checkpoint,
            leaf_hash_of(last[0]) if last and (self._noted is None or self._known.leaf) else "",
            accepted=self._known.accepted,
        )
        return Found(
            place,
            self._noted,
            {topic: published[topic] - len(missing[topic]) for topic in self._held},
            {topic: frozenset(each) for topic, each in missing.items()},
            tuple(said for at in sorted(self._differing) for said in self._differing[at]),
            (min(self._differing), max(self._differing)) if self._differing else None,
            tuple(self._faults),
        )

    def _counted(self, published: Counter[str]) -> Mapping[str, int]:
        """Messages by topic; where a difference is accepted, the log cannot tell their number."""
        return self._known.published if self._known.accepted else dict(published)

    def _look(self, sequence: int, message: Message) -> bool:
        """Whether something is there in the message's place; whether it is the message, is noted.

        Where a difference is accepted, whatever is there shall be.
        """
        topic = self._held[message.topic]
        there = topic.events.pop(sequence, None)
        if self._known.accepts(sequence):
            return True
        if there is not None:
            if not is_held(there, message):
                self._suspects.append((there, message))
                if len(self._suspects) == SUSPECTS:
                    self._judge()
            return True
        if topic.last.get(message.key, (0, 0))[1] > sequence:
            event = dict(message.headers)["ce_id"].decode()
            self._differs(sequence, f"{message.topic}: {event} is missing before later ones.")
        return False

    def _judge(self) -> None:
        """Read what has another digest again, and say how it differs, if it does."""
        for topic in self._held:
            ours = [each for each in self._suspects if each[1].topic == topic]
            found = read_again(self._cluster, topic, [held for held, _ in ours])
            for held, message in ours:
                if said := difference(message, found[held.partition, held.offset]):
                    self._differs(int(dict(message.headers)["ce_sequence"]), said)
        self._suspects.clear()

    def _judge_others(self, end: Place) -> None:
        """What is held and was not expected: another log has it."""
        for topic, left in self._held.items():
            limit = end.checkpoint if topic == CHECKPOINTS else end.position
            others = sorted(sequence for sequence in left.events if sequence <= limit)
            found = read_again(
                self._cluster, topic, [left.events[each] for each in others[:SUSPECTS]]
            )
            for sequence in others:
                held = left.events[sequence]
                there = found.get((held.partition, held.offset))
                what = "what is there" if there is None else said_of(there)
                self._differs(sequence, f"{topic}: at {sequence} {what} is not in the log.")

    def _differs(self, sequence: int, said: str) -> None:
        if not self._known.accepts(sequence):
            self._differing[sequence].append(said)

    def _expected(self, end: Place, done: Callable[[int], None]) -> Iterator[tuple[int, Message]]:
        try:
            yield from expected(self._messages, self._source, end, done)
        except Unreadable as error:
            self._faults.append(f"{error} Nothing after it was compared.")
            self._cut_short = True


class Unreadable(Exception):
    """An event of the log that this program cannot read."""


def expected(
    messages: Messages, source: Source, end: Place, done: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[int, Message]]:
    """Every message up to a place, with its sequence.

    Raises:
        Unreadable: names the event.
    """
    position = 0
    while position < end.position:
        rows = source.rows(position, min(EVENTS_READ, end.position - position))
        if not rows:
            break
        for row in rows:
            try:
                made = messages.of(row)
            except (UnknownDecisionType, NewerSchema, UnreadableEvent, ValidationError) as error:
                said = f"The event at position {row[0]} ({row[3]}) cannot be read"
                raise Unreadable(f"{said}: {type(error).__name__}.") from error
            for message in made:
                yield row[0], message
        position = rows[-1][0]
        done(position)
    size = 0
    while size < end.checkpoint and (some := source.checkpoints(size, EVENTS_READ)):
        for sealed in some:
            size = sealed.size
            if size <= end.checkpoint:
                yield size, messages.of_checkpoint(sealed)
