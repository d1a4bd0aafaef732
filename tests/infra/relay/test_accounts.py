"""What finance is told adds up, and is what the law and the ledger say, whatever happens."""

import datetime as dt
import json
from decimal import Decimal

import jsonschema
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.chapters.corrections import DecisionAnnulled, DecisionRectified
from domain.chapters.funding import FundingRouteReplaced, RouteKind
from domain.chapters.promotion import OperatingBudgetGranted, OperatingExpenseRecorded
from domain.kernel.act import Act, Body
from domain.kernel.contract import Contract
from domain.kernel.decision import Decision, Recorded
from domain.kernel.values import AccountId, ActionId
from infra.relay.accounts import OPERATING, READ, Accounts
from infra.relay.shapes import AMOUNTS, FundingEvent, funding_schema
from projections.tables.ledger import BALANCES, ledger
from tests.domain.given import instant
from tests.domain.test_laws import FUNDING_STAGES, attempts
from tests.domain.test_laws import MONEY as MOVING
from tests.infra.relay.story import (
    TEXT,
    annulled,
    budgeted,
    committed,
    proposed,
    rectified,
)
from tests.projections.story import paquis, vieux_moulin

KINDS = (
    *MOVING,
    OperatingBudgetGranted,
    OperatingExpenseRecorded,
    *[DecisionRectified, DecisionAnnulled] * 3,
)
SCHEMA = jsonschema.Draft202012Validator(funding_schema())

some = settings(
    max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def told(history, start=0):
    """The funding events of a history, as JSON; the accounts are begun anew before `start`."""
    read = [recorded for recorded in history if recorded.decision.slug in READ]

    def earlier(version):
        return [recorded for recorded in read if recorded.version < version]

    accounts = Accounts(earlier)
    events = []
    for recorded in read:
        if recorded.version == start:
            accounts = Accounts(earlier)
            for before in earlier(start):
                accounts.take_in(before)
        if (event := accounts.take_in(recorded)) is not None:
            events.append(json.loads(orjson.dumps(event, option=orjson.OPT_UTC_Z)))
    return events


def last_lines(events):
    return {line["account"]: line for event in events for line in event["lines"]}


def sums(line, of="balances"):
    return {amount: Decimal(line[of][amount]) for amount in AMOUNTS}


def assert_adds_up(events):
    """Each event follows from the one before it, by its own account."""
    known = {}
    for number, event in enumerate(events, start=1):
        assert event["number"] == number
        for line in event["lines"]:
            before = known.get(line["account"], dict.fromkeys(AMOUNTS, Decimal()))
            balances, moved = sums(line), sums(line, "moved")
            assert {a: before[a] + moved[a] for a in AMOUNTS} == balances
            assert balances["enforceable"] == sum(
                balances[part] for part in ("available", "committed", "spent", "released")
            )
            known[line["account"]] = balances


def assert_is_the_law(events, history):
    """The last balances are the ledger's, and the state's that rules look at."""
    contract, rows = Contract.of("example", history), ledger.fold(history)
    lines = last_lines(events)
    routes = {
        f"{action}/{number}": route
        for action, known in contract.actions.items()
        for number, route in enumerate(known.routes, start=1)
    }
    assert routes.keys() <= lines.keys()
    for account, line in lines.items():
        balances = sums(line)
        if account.startswith(OPERATING):
            budget = contract.budgets[int(account.removeprefix(OPERATING))]
            assert (balances["enforceable"], balances["spent"]) == (budget.granted, budget.spent)
        elif account not in routes:
            assert not any(balances.values()), "a route that is gone holds nothing"
        else:
            route = routes[account]
            assert line["route"] == route.kind
            assert balances["enforceable"] == route.granted
            for part in ("available", "committed", "spent", "released"):
                assert balances[part] == getattr(route, part)
            action, _, number = account.partition("/")
            kept = rows[BALANCES].get((action, int(number)))
            for amount in set(AMOUNTS) - {"enforceable"}:
                assert balances[amount] == getattr(kept, amount)


@some
@given(data=st.data())
def test_what_finance_is_told_adds_up_and_is_the_law(data):
    story = data.draw(st.sampled_from(FUNDING_STAGES))
    history = attempts(data, KINDS, most=25, story=story).history
    events = told(history)
    assert_adds_up(events)
    assert_is_the_law(events, history)
    for event in events:
        FundingEvent.model_validate_json(json.dumps(event))
        SCHEMA.validate(event)


@some
@given(data=st.data())
def test_where_the_relay_begins_again_makes_no_difference(data):
    history = attempts(data, KINDS, most=20, story=FUNDING_STAGES[-1]).history
    start = data.draw(st.integers(2, len(history)))
    assert told(history, start) == told(history)


@some
@given(data=st.data())
def test_nothing_else_moves_money(data):
    """Decisions of no other type, but for corrections of one, change what a route holds."""
    state = Contract("example")
    for recorded in attempts(data).history:
        before = repr([a.routes for a in state.actions.values() if a.routes]), repr(state.budgets)
        state.evolve(recorded)
        after = repr([a.routes for a in state.actions.values() if a.routes]), repr(state.budgets)
        if not recorded.decision.money and recorded.decision.slug not in READ:
            assert before == after, recorded.decision.slug


def test_finance_is_told_of_money_whichever_chapter_decides_it(monkeypatch):
    """That a decision is about money is said by its class, not by the module it stands in."""
    monkeypatch.setattr(Decision, "registry", dict(Decision.registry))

    class SubsidyPromised(Decision, taken_by={Body.SERVICE}, basis="2", money=True):
        """A third party promises a contribution to an action."""

        fr = "Subvention promise"
        action: ActionId

    promised = Recorded(
        2,
        "example",
        2,
        instant(2),
        Act(Body.SERVICE, dt.date(2026, 1, 2), AccountId("service")),
        SubsidyPromised(action="benches"),
    )
    event = Accounts(lambda _: []).take_in(promised)
    assert event is not None
    assert event["type"] == "subsidy-promised"


@pytest.mark.parametrize("example", [paquis, vieux_moulin])
def test_the_examples_add_up(example):
    history = example()
    events = told(history)
    assert events
    assert_adds_up(events)
    assert_is_the_law(events, history)
    for event in events:
        SCHEMA.validate(event)


def test_a_credit_says_what_finance_needs():
    events = told(vieux_moulin())
    lines = [line for event in events for line in event["lines"] if line["credit"] == "enforceable"]
    assert lines
    for line in lines:
        assert line["route"] == "municipal_credit"
        assert line["title"]
        assert line["proposal"]
        assert line["deliberation"]
        assert Decimal(line["net"]) <= Decimal(line["gross"])


def recorded(*decisions):
    act = Act(Body.SERVICE, dt.date(2026, 3, 1), AccountId("test"))
    instant = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    return [
        Recorded(10 * version, "paquis", version, instant, act, decision)
        for version, decision in enumerate(decisions, start=1)
    ]


def moved(line):
    return {amount: value for amount, value in line["moved"].items() if value != "0.00"}


def test_a_rectified_sum_moves_back_what_was_too_much():
    history = recorded(
        proposed("bancs"),
        budgeted("bancs"),
        committed("bancs", "100.00"),
        rectified(30, amount="60"),
    )
    event = told(history)[-1]
    assert event["type"] == "decision-rectified"
    assert event["corrects"] == {"id": "paquis/3", "position": 30, "type": "funds-committed"}
    (line,) = event["lines"]
    assert moved(line) == {"available": "40.00", "committed": "-40.00"}
    assert (line["balances"]["available"], line["balances"]["committed"]) == ("940.00", "60.00")


def test_a_sum_rectified_onto_another_action_moves_in_both():
    history = recorded(
        *(decision for name in "ab" for decision in (proposed(name), budgeted(name))),
        committed("a", "100.00"),
        rectified(50, action="b"),
    )
    event = told(history)[-1]
    assert {line["account"]: moved(line) for line in event["lines"]} == {
        "a/1": {"available": "100.00", "committed": "-100.00"},
        "b/1": {"available": "-100.00", "committed": "100.00"},
    }


def test_an_annulled_route_leaves_an_account_without_a_route():
    history = recorded(proposed("bancs"), budgeted("bancs"), annulled(20))
    (line,) = told(history)[-1]["lines"]
    assert (line["account"], line["route"]) == ("bancs/1", None)
    assert moved(line) == {"available": "-1000.00", "enforceable": "-1000.00"}


def test_a_correction_that_moves_nothing_is_told_all_the_same():
    history = recorded(
        proposed("bancs"),
        budgeted("bancs"),
        committed("bancs", "1"),
        rectified(30, reference="C 2"),
    )
    (line,) = told(history)[-1]["lines"]
    assert (line["account"], moved(line)) == ("bancs/1", {})


def two_actions(*decisions):
    return recorded(
        *(decision for name in "ab" for decision in (proposed(name), budgeted(name))),
        committed("a", "1.00"),
        committed("b", "2.00"),
        *decisions,
    )


def test_a_correction_that_moves_nothing_is_about_its_own_account_alone():
    event = told(two_actions(rectified(50, reference="C 2")))[-1]
    assert [line["account"] for line in event["lines"]] == ["a/1"]


def test_after_a_rectified_title_an_event_is_about_its_own_account_alone():
    event = told(two_actions(rectified(10, title="Bancs"), committed("b", "3.00")))[-1]
    assert [(line["account"], moved(line)) for line in event["lines"]] == [
        ("b/1", {"available": "-3.00", "committed": "3.00"})
    ]


def test_a_rectified_title_is_no_funding_event_and_is_used_from_then_on():
    history = recorded(
        proposed("bancs", "Bncs"),
        budgeted("bancs"),
        rectified(10, title="Bancs"),
        committed("bancs", "1"),
    )
    events = told(history)
    assert [event["type"] for event in events] == ["funding-route-chosen", "funds-committed"]
    assert [event["lines"][0]["title"] for event in events] == ["Bncs", "Bancs"]


def test_a_replaced_route_releases_what_was_left_of_the_first():
    replaced = FundingRouteReplaced(
        action="bancs", route=RouteKind.MUNICIPAL_CREDIT, amount=Decimal(5), reason=TEXT
    )
    history = recorded(proposed("bancs"), budgeted("bancs"), replaced)
    first, second = told(history)[-1]["lines"]
    assert (first["account"], moved(first)) == (
        "bancs/1",
        {"available": "-1000.00", "released": "1000.00"},
    )
    assert (second["account"], second["route"], moved(second)) == (
        "bancs/2",
        "municipal_credit",
        {},
    )


def test_an_operating_budget_is_an_account_of_its_own():
    history = recorded(
        OperatingBudgetGranted(year=2026, amount=Decimal(5000)),
        OperatingExpenseRecorded(year=2026, amount=Decimal("12.50"), purpose="Affiches"),
    )
    granted, spent = (event["lines"][0] for event in told(history))
    assert (granted["account"], granted["route"], granted["year"]) == (
        "budget:2026",
        "operating_budget",
        2026,
    )
    assert moved(spent) == {"available": "-12.50", "spent": "12.50"}
    assert "Affiches" not in str(spent)
