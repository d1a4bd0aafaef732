"""Whether what was made of the events is what they say: the texts behind them, the read models.

Contract by contract, a few at a time. Each few are read in a short transaction of their own, which
sees one instant of the database: a snapshot as long as the check would slow every append down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from domain.chapters.corrections import DecisionRectified
from domain.chapters.erasure import TextErased
from domain.kernel.payload import UnreadableEvent
from domain.kernel.values import Audience
from infra import vault
from infra.audit.integrity import Finding
from infra.database.connection import cursor
from infra.eventstore.store import COLUMNS, recorded_of
from infra.relay.public import public_data, withheld_fields
from projections.catalogue import PROJECTIONS
from projections.engine.positions import Position, positions
from projections.engine.projection import standing
from projections.engine.storage import are_rows, load_documents, stored_rows
from projections.engine.table import Table
from projections.engine.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from pydantic import BaseModel

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId
    from projections.engine.projection import Projection

EVENTS: Final = 1_000
"""Events in one transaction, but for a contract that has more."""

CONTRACTS: Final = 200


@dataclass(slots=True)
class History:
    """The events of one contract, as they stand.

    rows: of `COLUMNS`, by version; `recorded`: those of them that can be read.
    unreadable: where the first one is that cannot be; None if all can.
    """

    contract: ContractId
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    recorded: list[Recorded[Any]] = field(default_factory=list)
    unreadable: int | None = None


def findings(progress: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
    """Every event that cannot be read, text that is not as its event has it, and wrong read model.

    Args:
        progress: told how many events have been looked at.
    """
    yield from _followed(positions())
    after, done = "", 0
    while True:
        with transaction.atomic():
            cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            contracts = _next(after)
            if not contracts:
                return
            histories = {contract: History(contract) for contract in contracts}
            yield from _read(histories, after, contracts[-1])
            yield from _texts(histories.values())
            yield from _read_models(histories)
        after = contracts[-1]
        done += sum(len(history.rows) for history in histories.values())
        progress(done)


def _followed(known: dict[str, Position]) -> Iterator[Finding]:
    """Which read models are stopped, and which cannot be compared."""
    for name, projection in PROJECTIONS.items():
        position = known.get(name)
        if position is None:
            what = f"{name} was never made, so it is not compared."
            yield Finding("read-models", what, warning=True)
        elif position.version != projection.version:
            what = f"{name} is of another version of this program, so it is not compared."
            yield Finding("read-models", what, warning=True)
        if position is not None and position.stopped_at is not None:
            what = f"{name} is stopped before event {position.stopped_at}: {position.error}."
            yield Finding("read-models", what)


def _next(after: ContractId) -> list[ContractId]:
    """The contracts that come next, a few; all their events are not many."""
    chosen: list[ContractId] = []
    events = 0
    for contract, count in cursor().execute(
        "SELECT contract, count(*) FROM event WHERE contract > %s"
        " GROUP BY contract ORDER BY contract LIMIT %s",
        [after, CONTRACTS],
    ):
        events += count
        if chosen and events > EVENTS:
            break
        chosen.append(contract)
    return chosen


# --- Events -------------------------------------------------------------------------------------


def _read(
    histories: dict[ContractId, History], after: ContractId, last: ContractId
) -> Iterator[Finding]:
    """Read the events of these contracts; versions follow one another, as positions do."""
    for row in cursor().execute(
        f"SELECT {COLUMNS} FROM event WHERE contract > %s AND contract <= %s"  # noqa: S608
        " ORDER BY contract, version",
        [after, last],
        binary=True,  # instants are read several times faster than as text
    ):
        history = histories[row[1]]
        history.rows.append(row)
        try:
            history.recorded.append(recorded_of(row))
        except UnreadableEvent as error:
            history.unreadable = history.unreadable or error.position
            yield Finding("events", str(error))
    for history in histories.values():
        versions = [row[2] for row in history.rows]
        if versions[-1] != len(versions):
            yield Finding(
                "order",
                f"{history.contract} is at version {versions[-1]} with {len(versions)} events.",
            )
        for earlier, later in zip(history.rows, history.rows[1:], strict=False):
            if later[0] < earlier[0]:
                yield Finding(
                    "order",
                    f"Event {later[0]} is version {later[2]} of {history.contract}, and event "
                    f"{earlier[0]} after it version {earlier[2]}.",
                )


# --- Texts --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Referred:
    """What an event says of a text. `audience` is None where the event cannot be read."""

    position: int
    contract: ContractId
    digest: str
    audience: Audience | None


def _texts(histories: Collection[History]) -> Iterator[Finding]:
    """The texts are those that the events had, for whom they were meant, or lawfully erased."""
    referred: dict[str, _Referred] = {}
    erased: dict[str, int] = {}
    for history in histories:
        referred |= _references(history)
        for each in history.recorded:
            if isinstance(each.decision, TextErased):
                erased[each.decision.text] = each.position
    if not referred:
        return
    kept = {
        text: rest
        for text, *rest in cursor().execute(
            "SELECT id::text, contract, audience, salt, content FROM vault_text"
            " WHERE id = ANY(%s::uuid[])",
            [f"{{{','.join(referred)}}}"],
        )
    }
    for text, said in referred.items():
        if text not in kept:
            what = f"Event {said.position} refers to the text {text}: unknown."
            yield Finding("texts", what)
            continue
        for what in _faults(said, kept[text], erased.get(text)):
            yield Finding("texts", f"The text {text} of event {said.position} {what}.")


def _faults(said: _Referred, kept: list[Any], erased: int | None) -> Iterator[str]:
    contract, audience, salt, content = kept
    if content is None and erased is None:
        yield "is empty, and no decision that can be read erased it"
    elif content is None and salt is not None:
        yield "is erased, but not its salt"
    elif content is not None and erased is not None:
        yield f"was erased by event {erased}, and is there again"
    elif content is not None and (salt is None or vault.digest(salt, content) != said.digest):
        yield "is not the one that it was recorded with"
    if said.audience is not None and audience != said.audience.value:
        yield f"is kept as {audience}, and is {said.audience.value}"
    if contract != said.contract:
        yield f"is kept as one of {contract}"


def _references(history: History) -> dict[str, _Referred]:
    """The texts that the events of one contract refer to, by their ids."""
    found: dict[str, _Referred] = {}
    readable = {recorded.position: recorded for recorded in history.recorded}
    for row in history.rows:
        position, payload = row[0], row[-1]
        if '"digest"' not in payload:
            continue
        recorded = readable.get(position)
        try:
            restricted = _restricted(recorded, readable) if recorded else set()
        except (LookupError, TypeError):  # corrected fields that are none of that type
            recorded, restricted = None, set()
        for reference in vault.references_in(payload.encode()):
            audience = Audience.RESTRICTED if reference["text"] in restricted else Audience.PUBLIC
            found[reference["text"]] = _Referred(
                position, history.contract, reference["digest"], audience if recorded else None
            )
    return found


def _restricted(recorded: Recorded[Any], history: dict[int, Recorded[Any]]) -> set[str]:
    """The texts in a decision that its type declares to be for authorised readers only."""
    decision = recorded.decision
    kind: type[BaseModel] = type(decision)
    if isinstance(decision, DecisionRectified):
        corrected = history.get(decision.position)
        if corrected is None:
            return set()
        kind = type(corrected.decision)
        data = kind.upcast(decision.fields, decision.written_under or 1)
    elif withheld_fields(kind):
        data = decision.model_dump(mode="json")
    else:
        return set()
    public = {each["text"] for each in vault.references(public_data(kind, data))}
    return {each["text"] for each in vault.references(data)} - public


# --- Read models --------------------------------------------------------------------------------


class _Stored:
    """What is stored of some contracts in every read model that this program has written."""

    def __init__(self, contracts: Collection[ContractId]) -> None:
        self.followed: list[tuple[Projection[Any], Position]] = [
            (projection, position)
            for name, position in positions().items()
            if (projection := PROJECTIONS.get(name)) and projection.version == position.version
        ]
        self._documents = load_documents(
            [
                (view.name, position.generation, contract)
                for view, position in self.followed
                if isinstance(view, View)
                for contract in contracts
            ]
        )
        self._rows = {
            relation: stored_rows(relation, position.generation, contracts)
            for table, position in self.followed
            if isinstance(table, Table)
            for relation in table.relations
        }

    def differs(
        self, projection: Projection[Any], position: Position, history: History, state: Any
    ) -> bool:
        """Whether a read model of a contract is not this state."""
        contract = history.contract
        if isinstance(projection, View):
            stored = self._documents.get((projection.name, contract))
            if history.recorded[0].position > position.position:
                return stored is not None
            return stored is None or stored.json != projection.dump(state)
        assert isinstance(projection, Table)  # noqa: S101 - there are two shapes and no third
        return any(
            self._rows[relation].get(contract, {}) != state[relation]
            # What is not equal to Python may still be the same to the database.
            and not are_rows(relation, position.generation, contract, state[relation])
            for relation in projection.relations
        )


def _read_models(histories: dict[ContractId, History]) -> Iterator[Finding]:
    """Each read model is the fold of the events that it has taken in."""
    stored = _Stored(histories)
    for history in histories.values():
        if history.unreadable is not None:
            yield Finding(
                "read-models",
                f"{history.contract} is not compared: event {history.unreadable} cannot be read.",
            )
            continue
        try:
            counting = standing(history.recorded)
        except Exception as error:  # noqa: BLE001 - what a correction says is read only here
            what = f"{history.contract} is not compared: its corrections cannot be followed"
            yield Finding("read-models", f"{what}: {_said(error)}.")
            continue
        for projection, position in stored.followed:
            if what := _difference(stored, projection, position, history, counting):
                yield Finding("read-models", f"{projection.name} of {history.contract} {what}")


def _difference(
    stored: _Stored,
    projection: Projection[Any],
    position: Position,
    history: History,
    counting: Sequence[Recorded[Any]],
) -> str:
    """What is wrong with a read model of a contract; empty if it is the fold of its events."""
    state = projection.begin()
    try:
        if history.recorded[-1].position > position.position:
            known = [each for each in history.recorded if each.position <= position.position]
            counting = standing(known)
        projection.take(state, counting)
    except Exception as error:  # noqa: BLE001 - whatever a handler makes of an altered event
        return f"cannot be folded from its events: {_said(error)}."
    if stored.differs(projection, position, history, state):
        return f"is not the fold of its events: quartier rebuild {projection.name}"
    return ""


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
