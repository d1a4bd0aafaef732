"""Laws that hold over everything registered, whatever hypothesis makes up."""

import copy
import dataclasses
import datetime as dt
import json
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.chapters.approval import RoadmapApproved
from domain.chapters.credit import CreditRefused, CreditRequested, CreditVoted
from domain.chapters.follow_up import ActionAbandoned
from domain.chapters.funding import (
    ExpenditureRecorded,
    FundingRouteChosen,
    FundingRouteReplaced,
    FundsCommitted,
    FundsReleased,
)
from domain.chapters.referendum import (
    CreditBecameEnforceable,
    CreditContested,
    CreditOverturned,
    CreditPublished,
)
from domain.kernel.act import Body
from domain.kernel.canonical import canonical
from domain.kernel.contract import Contract
from domain.kernel.decision import Decision, NotCompetent, judge, obstacles
from domain.kernel.history import effective
from domain.kernel.payload import Content, read, write
from domain.kernel.reference import Reference
from domain.kernel.rule import Rule
from tests.domain import stages
from tests.domain.cases import accepted
from tests.domain.given import REFERENCE, Story, Taken, told
from tests.domain.stages import CLOSED
from tests.domain.strategies import KINDS, MOSTLY, data_of, takens

STAGES: tuple[Story, ...] = (
    (),
    *(
        getattr(stages, name)
        for name in (
            "INITIATED",
            "PROMOTED",
            "LAUNCHED",
            "WITH_COMMISSION",
            "WITH_GROUP",
            "DIAGNOSED",
            "PROPOSED",
            "CHOSEN",
            "PRESENTED",
            "APPROVED",
            "REQUESTED",
            "FUNDED",
            "STARTED",
            "AMENDED",
            "CLOSING",
            "CLOSED",
        )
    ),
)

MONEY: tuple[type[Decision], ...] = (
    FundingRouteChosen,
    FundingRouteReplaced,
    FundsCommitted,
    FundsCommitted,
    FundsReleased,
    ExpenditureRecorded,
    ExpenditureRecorded,
    CreditRequested,
    CreditVoted,
    CreditRefused,
    CreditPublished,
    CreditContested,
    CreditBecameEnforceable,
    CreditOverturned,
    ActionAbandoned,
)

FUNDING_STAGES: tuple[Story, ...] = (
    stages.APPROVED,
    stages.ROUTED,
    stages.REQUESTED,
    stages.VOTED,
    stages.PUBLISHED,
    stages.FUNDED,
    stages.SPENT,
)

few = settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
some = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)


def attempt(contract: Contract, taken: Taken) -> bool:
    """Try to take the decision; whether it was recorded. Whatever stands in its way is named."""
    try:
        decision = taken.read(contract)
    except ValidationError:
        return False
    judgement = judge(decision, contract, taken.act)
    for finding in (*judgement.refusals, *judgement.departures):
        assert type(finding) in taken.kind.rules()
        for language in ("fr", "en"):
            assert finding.message(language)
            assert json.loads(json.dumps(finding.as_json(language)))["rule"] == finding.id
    if judgement.refusals:
        return False
    contract.evolve(taken.recorded(contract))
    return True


def attempts(
    data: st.DataObject, kinds=MOSTLY, most: int = 12, story: Story | None = None
) -> Contract:
    """A contract at some stage, and what was recorded of what was tried then."""
    return lived(data, kinds, most, story)[0]


def lived(
    data: st.DataObject, kinds=MOSTLY, most: int = 12, story: Story | None = None
) -> tuple[Contract, Story]:
    """The same, and everything that was recorded as it was sent, from the beginning."""
    if story is None:
        story = data.draw(st.sampled_from(STAGES), label="stage")
    contract = copy.deepcopy(told(*story))
    sent = list(story)
    rest = iter(CLOSED[len(story) :])
    for _ in range(data.draw(st.integers(0, most), label="attempts")):
        if kinds is MOSTLY and data.draw(st.booleans(), label="as in the story"):
            taken = next(rest, None)
        else:
            taken = data.draw(takens(contract, kinds), label="taken")
        if taken is not None and attempt(contract, taken):
            sent.append(taken)
    return contract, tuple(sent)


# --- What is stored -----------------------------------------------------------------------------


@each_kind
@few
@given(data=st.data())
def test_what_is_stored_reads_back_equal(kind, data):
    contract = told(*CLOSED[:-1])
    taken = Taken(
        kind, dt.date(2018, 9, 10), data.draw(data_of(kind, contract)), min(kind.taken_by)
    )
    try:
        decision = taken.read(contract)
    except ValidationError:
        reject()
    act = taken.act
    payload = write(decision, act)
    content = read(kind.slug, kind.schema_version, payload)
    assert content == Content[kind](data=decision, evidence=(), departures={})
    assert write(content.data, act) == payload
    assert canonical(json.loads(payload)) == payload


def test_canonical_bytes_do_not_depend_on_the_hash_seed():
    """Digests are computed anywhere, at any time: nothing of the process shows in the bytes."""
    program = (
        "import hashlib\n"
        "from domain.kernel.payload import write\n"
        "from tests.domain.given import told\n"
        "from tests.domain.stages import CLOSED\n"
        "history = told(*CLOSED).history\n"
        "print(hashlib.sha256(b''.join(write(r.decision, r.act) for r in history)).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@each_kind
def test_every_type_has_a_schema_for_what_is_sent_and_for_what_is_stored(kind):
    sent = kind.model_json_schema(mode="validation")
    stored = kind.model_json_schema(mode="serialization")
    for schema in (sent, stored):
        assert json.loads(json.dumps(schema)) == schema
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
    assert set(stored["properties"]) == set(kind.model_fields)
    assert set(kind.model_fields) - set(sent["properties"]) <= {"written_under"}


# --- Judging and applying -----------------------------------------------------------------------


@some
@given(data=st.data())
def test_whatever_is_tried_is_recorded_or_names_a_rule(data):
    contract = attempts(data)
    assert contract == Contract.of(contract.id, contract.history), "judge reads, and only reads"


@some
@given(data=st.data())
def test_folding_one_by_one_is_folding_at_once(data):
    """Corrections included: every field is the same, whichever way one gets there."""
    history = attempts(data).history
    one_by_one = Contract("example")
    for recorded in history:
        one_by_one.evolve(recorded)
        at_once = Contract.of("example", one_by_one.history)
        for field in dataclasses.fields(Contract):
            assert getattr(one_by_one, field.name) == getattr(at_once, field.name), field.name


@some
@given(data=st.data())
def test_apply_never_raises(data):
    """History may be filtered by date, and begin in the middle of a story."""
    history = attempts(data).history
    valid_at = data.draw(st.one_of(st.none(), st.dates(dt.date(2014, 1, 1), dt.date(2019, 1, 1))))
    shuffled = data.draw(st.permutations(history))
    subset = shuffled[: data.draw(st.integers(0, len(shuffled)))]
    for told_so in (subset, sorted(subset, key=lambda recorded: recorded.position)):
        contract = Contract("example")
        for recorded in effective(told_so, valid_at=valid_at):
            assert valid_at is None or recorded.act.decided_on <= valid_at
            recorded.decision.apply(contract, recorded.act)
        for kind in KINDS:
            for finding in obstacles(
                kind, contract, Taken(kind, dt.date(2016, 1, 1), {}, min(kind.taken_by)).act
            ):
                assert type(finding) in kind.rules()
        for taken in data.draw(st.lists(st.sampled_from(CLOSED), max_size=5)):
            judge(taken.read(contract), contract, taken.act)


@pytest.mark.parametrize("law", accepted().values(), ids=lambda law: law.kind.slug)
def test_a_body_that_is_not_competent_takes_no_decision(law):
    contract = told(*law.story)
    decision = law.taken.read(contract)
    for body in set(Body) - law.kind.taken_by:
        with pytest.raises(NotCompetent, match=law.kind.slug):
            judge(decision, contract, dataclasses.replace(law.taken, by=body).act)


# --- Money --------------------------------------------------------------------------------------


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_franc_is_lost_or_made(data):
    """Granted is available, committed, spent and released; no part of it is ever negative."""
    story = data.draw(st.sampled_from(FUNDING_STAGES))
    contract = attempts(data, MONEY, most=18, story=story)
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for recorded in contract.history:
        if isinstance(recorded.decision, ExpenditureRecorded):
            spent[recorded.decision.action] += recorded.decision.amount
    for name, action in contract.actions.items():
        for route in action.routes:
            parts = (route.available, route.committed, route.spent, route.released)
            assert min(parts) >= 0, route
            assert sum(parts) == route.granted
            assert route.granted_on is not None or route.granted == 0
        for route in action.routes[:-1]:
            assert (route.available, route.committed) == (0, 0), "nothing is left behind"
        assert sum((route.spent for route in action.routes), Decimal()) == spent[name]
        if action.ended == "abandoned":
            assert action.routes == [] or action.routes[-1].unspent == 0


# --- Rules --------------------------------------------------------------------------------------


def test_obstacles_are_among_what_a_decision_is_refused_by():
    """What stands in the way of any decision of a type is found again when one is judged."""
    contract = told(*stages.PROMOTED)
    for taken in CLOSED:
        known = told(*stages.FUNDED) if taken.kind is RoadmapApproved else contract
        in_the_way = set(obstacles(taken.kind, known, taken.act))
        judgement = taken.judged(known)
        assert in_the_way <= {*judgement.refusals, *judgement.departures}


def test_findings_say_their_facts_as_people_write_them():
    class Odd(Rule, basis="0"):
        fr = "{day} {amount} {many} {body} {count}"
        en = "{count} {body} {many} {amount} {day}"

    try:
        found = Odd(
            day=dt.date(2014, 8, 1),
            amount=Decimal("1234567.5"),
            many=("a", "b"),
            body=Body.PLENARY,
            count=3,
        )
        francs = "CHF 1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567.50"
        assert found.message("fr") == f"1er août 2014 {francs} a, b Conférence de quartier 3"
        assert found.message("en") == f"3 Plenary a, b {francs} 1 August 2014"
        assert found.as_json("en")["facts"] == {
            "day": "2014-08-01",
            "amount": "1234567.50",
            "many": ["a", "b"],
            "body": "plenary",
            "count": 3,
        }
    finally:
        del Rule.registry["odd"]


def test_a_rule_uses_the_same_facts_in_both_languages():
    with pytest.raises(TypeError, match="same facts"):
        type("Uneven", (Rule,), {"fr": "{a}", "en": "{b}"}, basis="0")
    assert "uneven" not in Rule.registry


def test_a_finding_states_the_facts_of_its_rule():
    rule = next(rule for rule in Rule.registry.values() if rule.asks_for)
    with pytest.raises(TypeError):
        rule(nothing_of_the_kind=1)


# --- Reference data -----------------------------------------------------------------------------


def test_reference_data_is_read_from_json():
    assert Reference.model_validate_json(REFERENCE.model_dump_json()) == REFERENCE
