"""The ledger adds up, however it is asked and whatever was done with the money."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.chapters.corrections import DecisionAnnulled, DecisionRectified
from domain.chapters.follow_up import ActionAbandoned
from domain.chapters.funding import RouteKind
from projections.engine.keyset import BadCursor
from projections.engine.view import fold
from projections.tables.ledger import BALANCES, CARRIERS, ENTRIES, Account, ledger
from projections.tables.ledger_queries import GRANTED, Part, balances, entries
from projections.tables.ledger_sums import GROUPS, Held, Moved, sums
from tests.domain.test_laws import FUNDING_STAGES, MONEY, attempts
from tests.projections.story import TODAY, instant, mixed, named, paquis, vieux_moulin

KINDS = (*MONEY, ActionAbandoned, *[DecisionRectified, DecisionAnnulled] * 3)
LAST = dt.date(2016, 5, 1)
"""Before most of what the examples do, so that years are not only filled up to the present."""

ways = st.permutations(GROUPS).flatmap(
    lambda names: st.integers(0, len(names)).map(lambda count: tuple(names[:count]))
)
some = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)


def rows_of(data, most=25):
    """The ledger after whatever was tried with money, corrections of it included."""
    story = data.draw(st.sampled_from(FUNDING_STAGES))
    return ledger.fold(attempts(data, KINDS, most=most, story=story).history)


def part_of(rows, **more):
    return Part(contract="example", rows=rows, **more)


def amounts(row):
    return {name: getattr(row, name) for name in type(row).__slots__}


def added(rows, of):
    """Several `moved` or `held`, added up."""
    total = defaultdict(Decimal)
    for row in rows:
        for name, amount in amounts(getattr(row, of)).items():
            total[name] += amount
    return dict(total)


def holding(rows):
    """What the balances hold together, by account."""
    return {
        account: sum((getattr(row, account.value) for row in rows), Decimal())
        for account in Account
    }


def assert_double_entry(found, moves):
    """Each balance is what its entries make, adds up to nothing, and only the origin owes."""
    made = defaultdict(Decimal)
    for each in moves:
        place, entry = (each.contract, each.entry.action, each.entry.route), each.entry
        assert entry.amount > 0
        made[place, entry.debit] += entry.amount
        made[place, entry.credit] -= entry.amount
    for each in found:
        held = {account: getattr(each.balance, account.value) for account in Account}
        place = (each.contract, each.action, each.route)
        assert held == {account: made.pop((place, account), 0) for account in Account}
        assert sum(held.values()) == 0
        assert all(held[account] >= 0 for account in set(Account) - {Account.ORIGIN})
        assert each.enforceable == sum(held[Account[name.upper()]] for name in GRANTED)
    assert not any(made.values()), "no entry is without a balance"


@some
@given(data=st.data())
def test_every_route_adds_up_whatever_is_done_and_corrected(database, data):
    part = part_of(rows_of(data))
    assert_double_entry(balances(part), entries(part))


@some
@given(data=st.data(), by=ways)
def test_sums_by_anything_are_the_sums_of_the_balances(database, data, by):
    part = part_of(rows_of(data))
    held = holding([each.balance for each in balances(part)])
    found = list(sums(part, by, today=LAST))
    keys = [tuple(getattr(each, name) for name in by) for each in found]
    assert len(keys) == len(set(keys))
    if "year" in by:
        last = {}
        for each in found:
            group = tuple(getattr(each, name) for name in by if name != "year")
            last[group] = max(last.get(group, each), each, key=lambda each: each.year)
        at_the_end = last.values()
    else:
        at_the_end = found
    total = added(at_the_end, "held")
    for account, amount in held.items():
        assert total.get(account.value, 0) == amount
    assert total.get("enforceable", 0) == sum(held[Account[name.upper()]] for name in GRANTED)
    came = defaultdict(Decimal)
    for each in entries(part):
        came[each.entry.debit] += each.entry.amount
    for name, amount in added(found, "moved").items():
        account = Account.AVAILABLE if name == "enforceable" else Account[name.upper()]
        assert amount == came[account]


@some
@given(data=st.data(), by=ways.filter(lambda by: "year" in by))
def test_a_year_holds_what_the_year_before_held_and_what_moved(database, data, by):
    part = part_of(rows_of(data))
    net = defaultdict(Decimal)
    for each in entries(part):
        known = {**amounts(each.entry), "contract": each.contract}
        group = tuple(known[name] for name in by)
        net[group, each.entry.debit.value] += each.entry.amount
        net[group, each.entry.credit.value] -= each.entry.amount
    before = {}
    for each in sorted(sums(part, by, today=LAST), key=lambda each: each.year):
        group = tuple(getattr(each, name) for name in by)
        rest = tuple(value for name, value in zip(by, group, strict=True) if name != "year")
        for name, amount in amounts(each.held).items():
            if name != "enforceable":
                assert amount == before.get((rest, name), 0) + net.pop((group, name), 0)
                before[rest, name] = amount
        assert sum(amounts(each.held).values()) == each.held.enforceable
    assert not any(net.values())


WAITING = ("requested", "voted", "available", "committed")


@some
@given(data=st.data(), by=ways.filter(lambda by: "year" in by))
def test_what_waits_at_the_end_of_a_year_adds_up_over_any_groups(database, data, by):
    part = part_of(rows_of(data))
    waits = defaultdict(Decimal)
    for each in sums(part, by, today=LAST):
        for name in WAITING:
            waits[each.year, name] += getattr(each.held, name)
    for each in sums(part, ("year",), today=LAST):
        for name in WAITING:
            assert waits.pop((each.year, name), 0) == getattr(each.held, name)
    assert not any(waits.values())


@some
@given(data=st.data(), by=ways, year=st.integers(2013, 2020))
def test_a_year_alone_is_that_year_of_all_years(database, data, by, year):
    rows = rows_of(data)
    every = sums(part_of(rows), (*by, *({"year"} - set(by))), today=LAST)
    alone = list(sums(part_of(rows, year=year), by, today=LAST))
    of_all = {
        tuple(getattr(each, name) for name in by): each for each in every if each.year == year
    }
    for each in alone:
        other = of_all.pop(tuple(getattr(each, name) for name in by), None)
        if other is not None:
            assert (each.moved, each.held) == (other.moved, other.held)
        else:
            assert year > LAST.year, "years to come are only filled up to the present"
    assert not of_all


@some
@given(data=st.data(), by=ways)
def test_pages_one_after_the_other_are_all_of_it(database, data, by):
    part = part_of(rows_of(data))
    for ask in (
        lambda cursor: balances(part, cursor),
        lambda cursor: entries(part, cursor),
        lambda cursor: sums(part, by, today=LAST, cursor=cursor),
    ):
        found, cursor = [], None
        while True:
            page = ask(cursor).page(2)
            found += page.results
            cursor = page.next
            if cursor is None:
                break
        assert found == list(ask(None))


# --- The examples, as they are stored -----------------------------------------------------------


@pytest.fixture
def told(models):
    return models.told(mixed(named(paquis(), "paquis"), vieux_moulin()))


def test_what_is_stored_is_asked_like_what_is_folded(told):
    for name in ("paquis", "vieux-moulin"):
        folded = Part(contract=name, rows=ledger.fold(told.log.history(name)))
        stored = Part(contract=name)
        for ask in (balances, entries):
            assert list(ask(stored)) == list(ask(folded))
        for by in ((), ("service", "year"), ("action", "kind")):
            assert list(sums(stored, by, today=TODAY)) == list(sums(folded, by, today=TODAY))
    assert_double_entry(balances(Part()), entries(Part()))


def test_a_finance_officer_asks_by_service_and_year(told):
    found = {
        (each.service, each.year): each for each in sums(Part(), ("service", "year"), today=TODAY)
    }
    schools = found["ecoles", 2020]
    assert schools.moved.enforceable == Decimal("45000.00")
    assert schools.held.enforceable == schools.held.available + schools.held.committed + (
        schools.held.spent + schools.held.released
    )
    assert list(found) == sorted(found)
    assert not any(
        held
        for each in found.values()
        for held in (each.held.available, each.held.committed)
        if each.year == max(year for _, year in found)
    ), "both contracts have ended: nothing waits, and no later year is shown"


def test_money_that_waits_is_shown_in_the_years_in_which_it_waits(told):
    history = told.log.history("vieux-moulin")
    voted = next(each for each in history if each.decision.slug == "credit-became-enforceable")
    rows = fold(ledger, history, known_at=instant(voted.position))
    part = Part(contract="vieux-moulin", action=voted.decision.action, rows=rows)
    years = list(sums(part, ("year",), today=dt.date(2026, 11, 22)))
    assert [each.year for each in years][-1] == 2026
    assert years[-1].held.available > 0
    assert not any(amounts(years[-1].moved).values())


def test_parts_are_parts(told):
    everything = list(entries(Part()))
    for part, holds in (
        (Part(service="ecoles"), lambda each: each.entry.service == "ecoles"),
        (Part(year=2020), lambda each: each.entry.year == 2020),
        (Part(action="cour-ouverte"), lambda each: each.entry.action == "cour-ouverte"),
        (
            Part(kind=RouteKind.MUNICIPAL_CREDIT),
            lambda each: each.entry.kind is RouteKind.MUNICIPAL_CREDIT,
        ),
        (
            Part(contract="vieux-moulin", year=2020),
            lambda each: (each.contract, each.entry.year) == ("vieux-moulin", 2020),
        ),
    ):
        found = list(entries(part))
        assert found == [each for each in everything if holds(each)] != []
        places = {(each.contract, each.entry.action, each.entry.route) for each in found}
        if part.year is None:
            assert {(b.contract, b.action, b.route) for b in balances(part)} >= places
        else:
            assert {(b.contract, b.action, b.route) for b in balances(part)} == places
    assert list(entries(Part(contract="nobody"))) == list(balances(Part(contract="nobody"))) == []
    assert list(sums(Part(contract="nobody"), today=TODAY)) == []
    assert list(sums(Part(contract="nobody"), ("year",), today=TODAY)) == []


def test_a_balance_says_what_finance_calls_it(told):
    found = {(each.action, each.route): each for each in balances(Part(contract="vieux-moulin"))}
    credit = next(
        each
        for each in found.values()
        if each.balance.kind is RouteKind.MUNICIPAL_CREDIT and each.enforceable
    )
    assert credit.title
    assert credit.balance.proposal.startswith("PR-")
    assert credit.balance.deliberation
    assert 0 < credit.balance.net <= credit.balance.gross
    budget = found["cour-ouverte", 1]
    assert budget.balance.budget_line
    assert budget.balance.gross is None


def test_the_cursor_of_other_sums_is_refused(told):
    cursor = sums(Part(), ("service", "year"), today=TODAY).page(1).next
    with pytest.raises(BadCursor):
        sums(Part(), ("contract",), today=TODAY, cursor=cursor)


def test_names_of_amounts_are_the_ledger_s():
    accounts = [account.value for account in Account]
    assert [name for name in Held.__slots__ if name != "enforceable"] == accounts
    assert list(Moved.__slots__) == [
        {"available": "enforceable"}.get(name, name) for name in accounts if name != "origin"
    ]
    assert tuple(accounts[3:-1]) == GRANTED
    rows = ledger.fold(vieux_moulin())
    assert {(key[0], key[1]) for key in rows[BALANCES]} >= {
        (entry.action, entry.route) for entry in rows[ENTRIES].values()
    }
    assert all(row.title for row in rows[CARRIERS].values())
