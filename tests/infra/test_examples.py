"""The examples stand on the domain alone: every line of theirs is accepted, in order."""

import json
import uuid
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from domain.catalogue import catalogue
from domain.kernel.act import Act, Body, Evidence
from domain.kernel.contract import Contract
from domain.kernel.decision import Recorded, decision_type, judge
from domain.kernel.life_cycle import Standing
from domain.kernel.values import AccountId, TextRef
from infra.conf.reference import GENEVA, read_reference
from infra.exchange.handles import swap_persons
from infra.exchange.ndjson import DecisionLine, PersonLine, read_lines

EXAMPLES = sorted((Path(__file__).parents[2] / "infra" / "exchange" / "examples").glob("*.ndjson"))

UNUSED = {
    "person-erased": "what is erased cannot be shown in an example",
    "text-erased": "what is erased cannot be shown in an example",
}
"""Decision types that no example takes, and why."""


class Keeper:
    def keep(self, text, audience):
        return TextRef(text=str(uuid.uuid5(uuid.NAMESPACE_OID, text)), digest="0" * 64)


class Replay:
    """A file, judged line by line as it would be recorded."""

    def __init__(self, file):
        self.reference = read_reference(GENEVA)
        self.persons = {}
        self.named = set()
        self.labels = {}
        self.contracts = {}
        self.departed = Counter()
        self.lines = []
        with file.open("rb") as stream:
            for number, line in read_lines(stream):
                match line:
                    case PersonLine():
                        self.persons[line.person] = line
                    case DecisionLine():
                        self.lines.append(line)
                        self.take(number, line)
                    case _:
                        pytest.fail(f"line {number}: {line}")

    def take(self, number, line):
        kind = decision_type(line.decision)
        contract = self.contracts.setdefault(line.contract, Contract(line.contract))
        data = swap_persons(kind, line.data, self.person)
        if isinstance(data.get("position"), str):
            data["position"] = self.labels[data["position"]]
        keeper = Keeper()
        decision = kind.parse(json.dumps(data), keeper=keeper, contract=contract)
        body = Body(line.body) if line.body else next(iter(kind.taken_by))
        assert line.body or len(kind.taken_by) == 1, f"line {number}: which body?"
        act = Act(
            body,
            date.fromisoformat(line.decided_on),
            AccountId(line.by),
            tuple(Evidence.model_validate(each) for each in line.evidence),
            {rule: keeper.keep(why, None) for rule, why in (line.departures or {}).items()},
            date(2026, 1, 1),
            self.reference,
        )
        found = judge(decision, contract, act)
        said = [finding.message("en") for finding in found.refusals]
        assert not said, f"line {number}, {line.decision}: {said}"
        self.departed.update(finding.id for finding in found.departures)
        position = len(self.lines)
        if line.label:
            self.labels[line.label] = position
        contract.evolve(
            Recorded(
                position,
                contract.id,
                contract.version + 1,
                datetime(2026, 1, 1, tzinfo=UTC),
                act,
                decision,
            )
        )

    def person(self, handle, at):
        assert handle in self.persons, f"{at}: {handle} is not in the file"
        self.named.add(handle)
        return str(uuid.uuid5(uuid.NAMESPACE_OID, handle))


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda file: file.stem)
def replay(request):
    return Replay(request.param)


@pytest.fixture(scope="module")
def paquis():
    return Replay(next(file for file in EXAMPLES if file.stem == "paquis"))


def test_every_line_is_accepted(replay):
    (contract,) = replay.contracts.values()
    assert contract.version == len(replay.lines) > 100


def test_every_person_is_named_and_made_up(replay):
    assert replay.named == replay.persons.keys()
    assert all(each.name.endswith("(nom inventé)") for each in replay.persons.values())
    assert all(
        (each.contact or "@example.org").endswith("@example.org")
        for each in replay.persons.values()
    )


def test_what_is_not_public_is_marked_as_made_up(replay):
    """Each decision names an illustrative piece; only the known facts also name a public one."""
    for line in replay.lines:
        assert any(each.get("illustrative") for each in line.evidence), line
        public = [each for each in line.evidence if not each.get("illustrative")]
        assert not public or line.contract == "paquis", line


def test_the_lines_are_in_the_order_of_the_days(replay):
    days = [line.decided_on for line in replay.lines]
    assert days == sorted(days)


def test_paquis_keeps_to_the_known_facts(paquis):
    by_type = {}
    for line in paquis.lines:
        by_type.setdefault(line.decision, []).append(line)
    elected = by_type["delegate-elected"]
    assert [line.decided_on for line in elected] == ["2014-04-16"] * 5
    assert {line.data["capacity"] for line in elected} == {"resident"}
    assert len(by_type["service-delegate-named"]) == 5
    assert all(line.decided_on >= "2014-10" for line in by_type["working-group-formed"])
    (draft,) = by_type["roadmap-drafted"]
    assert draft.decided_on.startswith("2015-09")
    assert len(draft.data["actions"]) == 4
    (resigned,) = by_type["delegates-resigned"]
    assert resigned.decided_on == "2017-04-16"
    assert len(resigned.data["persons"]) == 5
    contract = paquis.contracts["paquis"]
    assert contract.standing is Standing.INTERRUPTED
    assert contract.framework.version == "cadre-2014"
    assert paquis.departed.keys() == {
        "promotion-too-short",
        "diagnosis-too-long",
        "plenary-overdue",
    }


def test_vieux_moulin_reaches_a_regular_closure():
    replay = Replay(next(file for file in EXAMPLES if file.stem == "vieux-moulin"))
    contract = replay.contracts["vieux-moulin"]
    assert contract.standing is Standing.CLOSED
    assert not replay.departed
    assert max(contract.roadmaps) == 3
    assert {action.ended for action in contract.actions.values()} == {
        "completed",
        "abandoned",
        None,
    }
    assert sum(action.handed_over for action in contract.actions.values()) == 2


def test_together_they_take_nearly_every_decision():
    used = {line.decision for file in EXAMPLES for line in Replay(file).lines}
    assert catalogue().keys() - used == UNUSED.keys()
