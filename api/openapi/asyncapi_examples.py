"""Examples of what is published: the messages that the two example contracts make, worked out."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from domain.kernel.act import Act, Body, Evidence
from domain.kernel.contract import Contract
from domain.kernel.decision import Recorded, decision_type
from domain.kernel.payload import write
from domain.kernel.values import AccountId, Audience, TextRef
from infra.exchange.handles import swap_persons
from infra.exchange.ndjson import DecisionLine, read_lines
from infra.operations.up import EXAMPLES
from infra.relay.messages import Messages
from infra.relay.topics import FUNDING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from domain.kernel.decision import Decision
    from infra.relay.messages import Message
    from infra.relay.source import Row, Source

RECORDED_FROM: Final = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
"""When the first of them is said to have been recorded; the others follow a second apart."""

SOURCE: Final = "urn:quartier"

_BODIES: Final = {body.value: body for body in Body}


@cache
def examples() -> dict[tuple[str, str], dict[str, Any]]:
    """A message of each topic and decision type, as AsyncAPI shows it; the first that there is.

    Returns:
        By topic and slug: `{"name", "summary", "headers", "payload"}`. What the example contracts
        never decide is not there.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for recorded, message in _messages():
        kind = type(recorded.decision)
        found.setdefault((message.topic, kind.slug), _shown(message, kind))
    return found


def funding_events() -> bytes:
    """What finance is told of the example contracts: every funding event, one a line.

    A change of it is a change of what was published, and of the digests of days that are over.
    """
    return b"".join(message.value + b"\n" for _, message in _messages() if message.topic == FUNDING)


def _messages() -> Iterator[tuple[Recorded[Any], Message]]:
    history = _history()
    messages = Messages(cast("Source", _InMemory(history)), SOURCE)
    for recorded in history:
        for message in messages.of(_row(recorded)):
            yield recorded, message


def _shown(message: Message, kind: type[Decision]) -> dict[str, Any]:
    return {
        "name": kind.slug,
        "summary": f"{kind.fr} / {kind.en}",
        "headers": {name: value.decode() for name, value in message.headers},
        "payload": orjson.loads(message.value),
    }


# --- The histories of the examples ----------------------------------------------------------------


class _Texts:
    """References that are the same at every run."""

    def keep(self, text: str, audience: Audience) -> TextRef:
        return TextRef(text=_made_up(text), digest=hashlib.sha256(text.encode()).hexdigest())


def _made_up(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _history() -> list[Recorded[Any]]:
    """The decisions of both files, one after the other; nothing is judged."""
    history: list[Recorded[Any]] = []
    for file in EXAMPLES:
        contracts: dict[str, Contract] = {}
        labels: dict[str, int] = {}
        with file.open("rb") as stream:
            for _, line in read_lines(stream):
                if not isinstance(line, DecisionLine):
                    continue
                contract = contracts.setdefault(line.contract, Contract(line.contract))
                position = len(history) + 1
                history.append(_recorded(line, contract, position, labels))
                contract.evolve(history[-1])
                if line.label:
                    labels[line.label] = position
    return history


def _recorded(
    line: DecisionLine, contract: Contract, position: int, labels: dict[str, int]
) -> Recorded[Any]:
    kind = decision_type(line.decision)
    data = swap_persons(kind, line.data, lambda handle, _: _made_up(handle))
    if isinstance(label := data.get("position"), str):
        data = {**data, "position": labels[label]}
    act = Act(
        _BODIES[line.body] if line.body else min(kind.taken_by),
        dt.date.fromisoformat(line.decided_on),
        AccountId(line.by),
        tuple(Evidence.model_validate(each) for each in line.evidence or ()),
        {
            rule: _Texts().keep(why, Audience.PUBLIC)
            for rule, why in (line.departures or {}).items()
        },
    )
    return Recorded(
        position,
        contract.id,
        contract.version + 1,
        RECORDED_FROM + dt.timedelta(seconds=position),
        act,
        kind.parse(json.dumps(data), keeper=_Texts(), contract=contract),
    )


def _row(recorded: Recorded[Any]) -> Row:
    """As it stands in the table `event`: the columns of `infra.eventstore.store.COLUMNS`."""
    act, kind = recorded.act, type(recorded.decision)
    return (
        recorded.position,
        recorded.contract,
        recorded.version,
        kind.slug,
        kind.schema_version,
        act.body.value,
        act.decided_on,
        recorded.recorded_at,
        act.recorded_by,
        write(recorded.decision, act).decode(),
    )


class _InMemory:
    """As much of the log as making messages asks for."""

    def __init__(self, history: list[Recorded[Any]]) -> None:
        self._history = history

    def history(
        self, contract: str, before: int, slugs: Collection[str]
    ) -> Iterator[Recorded[Any]]:
        for recorded in self._history:
            earlier = recorded.contract == contract and recorded.version < before
            if earlier and recorded.decision.slug in slugs:
                yield recorded

    def type_at(self, position: int) -> str:
        return str(self._history[position - 1].decision.slug)
