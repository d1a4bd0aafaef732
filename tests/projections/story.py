"""Histories to fold: the two examples, judged line by line, and what a test adds to them."""

import datetime as dt
import json
import uuid
from dataclasses import replace
from functools import cache
from pathlib import Path

from domain.kernel.act import Act, Body, Evidence
from domain.kernel.contract import Contract
from domain.kernel.decision import Recorded, decision_type, judge
from domain.kernel.values import AccountId
from infra.conf.reference import GENEVA, read_reference
from infra.exchange.handles import swap_persons
from infra.exchange.ndjson import DecisionLine, read_lines
from tests.domain.given import Keeper, text_ref

EXAMPLES = Path(__file__).parents[2] / "infra" / "exchange" / "examples"
TODAY = dt.date(2026, 11, 22)
REFERENCE = read_reference(GENEVA)


def person(handle):
    return str(uuid.uuid5(uuid.NAMESPACE_OID, handle))


def instant(position):
    return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=position)


def record(contract, kind, data, *, body, decided_on, evidence=(), departures=(), position=None):
    """The decision in the next place of the contract's history, which takes it in.

    Raises:
        AssertionError: a rule refuses it.
    """
    kind = decision_type(kind)
    act = Act(
        Body(body),
        dt.date.fromisoformat(decided_on),
        AccountId("test"),
        tuple(evidence),
        {rule: text_ref(f"because of {rule}") for rule in departures},
        TODAY,
        REFERENCE,
    )
    decision = kind.parse(json.dumps(data), keeper=Keeper(), contract=contract)
    found = judge(decision, contract, act).refusals
    assert not found, (kind, [finding.message("en") for finding in found])
    version = contract.version + 1
    position = position or version
    recorded = Recorded(position, contract.id, version, instant(position), act, decision)
    contract.evolve(recorded)
    return recorded


@cache
def example(name):
    """The history of an example, as a tuple; positions are those of the contract alone."""
    contract, labels = None, {}
    with (EXAMPLES / f"{name}.ndjson").open("rb") as stream:
        for _, line in read_lines(stream):
            if not isinstance(line, DecisionLine):
                continue
            contract = contract or Contract(line.contract)
            kind = decision_type(line.decision)
            data = swap_persons(kind, line.data, lambda handle, at: person(handle))
            if isinstance(data.get("position"), str):
                data["position"] = labels[data["position"]]
            recorded = record(
                contract,
                line.decision,
                data,
                body=line.body or next(iter(kind.taken_by)),
                decided_on=line.decided_on,
                evidence=[Evidence.model_validate(each) for each in line.evidence],
                departures=line.departures or (),
            )
            if line.label:
                labels[line.label] = recorded.position
    return tuple(contract.history)


def paquis():
    return example("paquis")


def vieux_moulin():
    return example("vieux-moulin")


def slugs(history):
    return [recorded.decision.slug for recorded in history]


def at(history, slug, nth=0):
    """The nth decision of that type."""
    return [recorded for recorded in history if recorded.decision.slug == slug][nth]


def mixed(*histories):
    """Several contracts' histories in one order of positions, taken in turn."""
    waiting = [list(history) for history in histories]
    moved, ordered = {}, []
    while any(waiting):
        for rest in waiting:
            if rest:
                recorded = rest.pop(0)
                position = len(ordered) + 1
                moved[recorded.contract, recorded.position] = position
                decision = recorded.decision
                if "position" in type(decision).model_fields:
                    where = moved[recorded.contract, decision.position]
                    decision = decision.model_copy(update={"position": where})
                ordered.append(
                    replace(
                        recorded,
                        position=position,
                        recorded_at=instant(position),
                        decision=decision,
                    )
                )
    return ordered


def named(history, name):
    """The same history, of another contract."""
    return [replace(recorded, contract=name) for recorded in history]


class Log:
    """Decisions in memory, as projections are given them. `broken` cannot be read."""

    def __init__(self, recorded=(), broken=None):
        self.recorded = list(recorded)
        self.broken = broken

    def end(self):
        return self.recorded[-1].position if self.recorded else 0

    def after(self, position, limit):
        for recorded in self.recorded[position : position + limit]:
            if recorded.position == self.broken:
                raise LookupError("a type that nobody knows")
            yield recorded

    def history(self, contract):
        return [recorded for recorded in self.recorded if recorded.contract == contract]

    def by_contract(self, until):
        known = [recorded for recorded in self.recorded if recorded.position <= until]
        yield from sorted(known, key=lambda recorded: (recorded.contract, recorded.version))
