"""The event store: `eventsourcing`'s interfaces on Django's own connection.

The library brings Application, Repository, EventStore, notification log and subscriptions. Ours
are the recorder, so that one transaction covers the events, the vault and the idempotency
record, and the mapper: an event is stored under its own name out of a closed registry, where the
library would store a Python path and import whatever a row names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NoReturn, cast

from eventsourcing.application import Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    InfrastructureFactory,
    Mapper,
    Notification,
    StoredEvent,
    TrackingRecorder,
)
from eventsourcing.utils import Environment

from domain.kernel.act import Act, Body
from domain.kernel.decision import Recorded
from domain.kernel.payload import UnreadableEvent, read, write
from domain.kernel.values import AccountId
from infra.database.connection import cursor
from infra.eventstore.append import Write, append, event_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from uuid import UUID

    from eventsourcing.domain import DomainEventProtocol
    from eventsourcing.persistence import AggregateRecorder, ProcessRecorder, Subscription
    from eventsourcing.utils import EnvType

    from domain.kernel.values import ContractId

COLUMNS = (
    "position, contract, version, type, schema, body, decided_on, recorded_at, recorded_by,"
    " payload::text"
)
"""The columns of `event` in the order that `recorded_of` and `notification_of` read."""

NOT_YET = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class StoredDecision(StoredEvent):
    """A row of `event` before it has a position; `state` is the payload, canonical JSON."""

    schema: int
    body: str
    decided_on: date
    recorded_by: str


@dataclass(frozen=True, kw_only=True)
class DecisionNotification(StoredDecision, Notification):
    """A row of `event`; `id` is its position."""

    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A decision in the shape that the library asks of its events."""

    recorded: Recorded[Any]

    @property
    def originator_id(self) -> ContractId:
        """The contract."""
        return self.recorded.contract

    @property
    def originator_version(self) -> int:
        """The contract's version after this decision."""
        return self.recorded.version


def pending(contract: ContractId, version: int, decision: Any, act: Act) -> Event:
    """A decision that is to be stored: its position and its instant are not known yet."""
    return Event(Recorded(0, contract, version, NOT_YET, act, decision))


_BODIES = {body.value: body for body in Body}

# --- Rows ---------------------------------------------------------------------------------------


def recorded_of(row: tuple[Any, ...]) -> Recorded[Any]:
    """A decision as it was recorded, from a row of `COLUMNS`.

    Raises:
        UnreadableEvent: this program does not know its type, schema or body, or the payload is
            not one of that type; the cause says which.
    """
    position, contract, version, slug, schema, body, decided_on, recorded_at, by, payload = row
    try:
        content = read(slug, schema, payload)
        taken_by = _BODIES[body]
    except Exception as error:
        raise UnreadableEvent(position, contract, version, slug, error) from error
    act = Act(taken_by, decided_on, AccountId(by), content.evidence, content.departures)
    return Recorded(position, contract, version, recorded_at, act, content.data)


def notification_of(row: tuple[Any, ...]) -> DecisionNotification:
    """The same row as the library passes it on, its payload unread."""
    position, contract, version, slug, schema, body, decided_on, recorded_at, by, payload = row
    return DecisionNotification(
        id=position,
        originator_id=contract,
        originator_version=version,
        topic=slug,
        state=payload.encode(),
        schema=schema,
        body=body,
        decided_on=decided_on,
        recorded_at=recorded_at,
        recorded_by=by,
    )


class DecisionMapper(Mapper[str]):
    """Between decisions and what is stored of them, by the names of the registry alone."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredDecision:
        """What is written of a decision; its position and instant are the database's to give."""
        recorded = cast("Event", domain_event).recorded
        return StoredDecision(
            originator_id=recorded.contract,
            originator_version=recorded.version,
            topic=recorded.decision.slug,
            state=write(recorded.decision, recorded.act),
            schema=recorded.decision.schema_version,
            body=recorded.act.body.value,
            decided_on=recorded.act.decided_on,
            recorded_by=recorded.act.recorded_by,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """The decision of a row; errors are those of `recorded_of`."""
        stored = cast("DecisionNotification", stored_event)
        return Event(
            recorded_of(
                (
                    stored.id,
                    stored.originator_id,
                    stored.originator_version,
                    stored.topic,
                    stored.schema,
                    stored.body,
                    stored.decided_on,
                    stored.recorded_at,
                    stored.recorded_by,
                    stored.state,
                )
            )
        )


# --- The library's recorder -----------------------------------------------------------------------


class EventRecorder(ApplicationRecorder):
    """Stores and reads events on this thread's Django connection, in its transaction if any."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append events; their positions.

        Args:
            stored_events: each a `StoredDecision`; at most 1,000 in all.
            kwargs: `texts` and `keys`, as `Write` holds them.

        Raises:
            StaleVersion: a contract has moved on.
            KeyUsed: an idempotency key was used before.
        """
        if not stored_events:
            return []
        events = [event_json(cast("StoredDecision", stored)) for stored in stored_events]
        last = append(Write(events, **kwargs)).last_position
        return range(last - len(events) + 1, last + 1)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one contract, by version."""
        order = "DESC" if desc else "ASC"
        rows = cursor().execute(
            f"SELECT {COLUMNS} FROM event"  # noqa: S608 - constants only
            " WHERE contract = %s AND version > %s AND version <= %s"
            f" ORDER BY version {order} LIMIT %s",
            [str(originator_id), gt or 0, _MAX_VERSION if lte is None else lte, limit],
        )
        return [notification_of(row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events of all contracts, by position; `topics` are slugs."""
        after = (start or 0) - (1 if inclusive_of_start else 0)
        until = _MAX_POSITION if stop is None else stop
        parameters = {"after": after, "until": until, "limit": limit, "types": list({*topics})}
        found = f"SELECT {COLUMNS} FROM event WHERE {_OF_TYPES if topics else _WITHIN}"  # noqa: S608
        rows = cursor().execute(f"{found} ORDER BY position LIMIT %(limit)s", parameters)
        return [notification_of(row) for row in rows]

    def max_notification_id(self) -> int | None:
        """The end of the log: the position of the last event; None if there is none."""
        return log_size() or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Every event after `gt`, and then each as it is recorded."""
        from infra.eventstore.subscription import EventSubscription  # noqa: PLC0415 - it needs this class

        return EventSubscription(self, gt=gt, topics=topics)


_WITHIN = "position > %(after)s AND position <= %(until)s"
_OF_TYPES = f"""position = ANY(ARRAY(
    SELECT of_type.position FROM unnest(%(types)s::text[]) AS wanted (type)
    CROSS JOIN LATERAL (
        SELECT position FROM event WHERE event.type = wanted.type AND {_WITHIN}
        ORDER BY position LIMIT %(limit)s
    ) AS of_type
    ORDER BY of_type.position LIMIT %(limit)s
))"""  # noqa: S608 - constants only
"""The first of each type by the index on type and position, however rare it is: left to choose,
a plan made for any type walks all positions in search of one that never comes."""

_MAX_VERSION = 2**31 - 1
_MAX_POSITION = 2**63 - 1


def log_size() -> int:
    """How many events there are; also the position of the last one."""
    row = cursor().execute("SELECT size FROM event_log").fetchone()
    assert row is not None, "migrations put the one row there"  # noqa: S101
    return int(row[0])


def last_of_types(slugs: Collection[str], after: int, until: int) -> int:
    """The position of the last event of these types; 0 if there is none.

    Args:
        slugs: the types.
        after: only beyond this position.
        until: only up to this one.
    """
    row = (
        cursor()
        .execute(
            "SELECT coalesce(max(of_type.position), 0) FROM unnest(%s::text[]) AS wanted (type)"
            " CROSS JOIN LATERAL (SELECT position FROM event WHERE event.type = wanted.type"
            " AND position > %s AND position <= %s ORDER BY position DESC LIMIT 1) AS of_type",
            [list(slugs), after, until],
        )
        .fetchone()
    )
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return int(row[0])


def events_after(position: int, limit: int) -> Iterator[Recorded[Any]]:
    """Decisions of all contracts after that position, in order; at most `limit`."""
    rows = cursor().execute(
        f"SELECT {COLUMNS} FROM event WHERE position > %s ORDER BY position LIMIT %s",  # noqa: S608
        [position, limit],
        binary=True,
    )
    return map(recorded_of, rows)


def event_at(position: int) -> Recorded[Any] | None:
    """The decision at that position; None beyond the end of the log."""
    return next(events_after(position - 1, 1), None) if position > 0 else None


def event_of(contract: ContractId, version: int) -> Recorded[Any] | None:
    """The decision at that version of a contract."""
    row = (
        cursor()
        .execute(
            f"SELECT {COLUMNS} FROM event WHERE contract = %s AND version = %s",  # noqa: S608
            [contract, version],
        )
        .fetchone()
    )
    return None if row is None else recorded_of(row)


class Factory(InfrastructureFactory[TrackingRecorder]):
    """Builds the library's parts out of ours. Nothing here is chosen by the environment."""

    def application_recorder(self) -> ApplicationRecorder:
        """The recorder of events."""
        return EventRecorder()

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """The same; there are no snapshots."""
        if purpose != "events":
            raise NotImplementedError(f"There are no {purpose}: see docs/adr/0003.")
        return EventRecorder()

    def tracking_recorder(
        self,
        tracking_recorder_class: type[TrackingRecorder] | None = None,  # noqa: ARG002 - theirs
    ) -> TrackingRecorder:
        """None: projections keep their positions with their tables."""
        self._elsewhere()

    def process_recorder(self) -> ProcessRecorder:
        """None, as above."""
        self._elsewhere()

    def _elsewhere(self) -> NoReturn:
        raise NotImplementedError("Projections keep their positions with their tables.")


class Quartier(Application[str]):
    """The event-sourced application of the library, on our recorder and mapper."""

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Only what is given: nothing is read from the process's environment."""
        return Environment(name, env)

    def construct_factory(self, env: Environment) -> Factory:
        """Ours, whatever the environment names."""
        return Factory(env)

    def construct_mapper(self) -> Mapper[str]:
        """Ours, which knows names and no Python paths."""
        return DecisionMapper(transcoder=self.construct_transcoder())
