"""Money: the funding view and the ledger agree with the law, whatever is done with it."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.contract import Contract
from domain.kernel.decision import judge
from projections.engine.view import fold
from projections.tables.ledger import BALANCES, ENTRIES, Account, ledger
from projections.views.funding import funding
from tests.projections.story import at, paquis, record, vieux_moulin

FUNDED = vieux_moulin()[: at(vieux_moulin(), "funds-committed").position]
CREDIT, BUDGET = "place-du-moulin", "cour-ouverte"

cents = st.integers(1, 70_000_000).map(lambda n: f"{Decimal(n) / 100:.2f}")
reference = {"reference": "Essai"}
actions = st.sampled_from([CREDIT, BUDGET, "jardin-partage", "local-de-quartier"])
CM, CA, COPIL = "municipal_council", "administrative_council", "steering_committee"


def moved(slug):
    return st.tuples(
        st.just(slug), st.just("service"), st.builds(_moved, action=actions, amount=cents)
    )


def _moved(action, amount):
    return {"action": action, "amount": amount, **reference}


def _gross(action, gross):
    return {"action": action, "proposal": "PR-1", "gross": gross, "net": gross}


def _voted(action, gross):
    return {
        "action": action,
        "deliberation": "D-1",
        "gross": gross,
        "net": gross,
        "urgent": True,
    }


def _on(action, **more):
    return {"action": action, **more}


def _budget(action, amount):
    line = {"service": "ecoles", "budget_line": "Ligne 1", "year": 2020}
    return _on(action, route="service_budget", amount=amount, reason="Autrement.", **line)


def _by_credit(action, amount):
    return _on(action, route="municipal_credit", amount=amount, reason="Autrement.")


def by(slug, body, **fields):
    given_fields = {name: st.just(value) for name, value in fields.items()}
    return st.tuples(st.just(slug), st.just(body), st.builds(_on, actions, **given_fields))


steps = st.one_of(
    moved("funds-committed"),
    moved("expenditure-recorded"),
    moved("funds-released"),
    st.tuples(st.just("credit-requested"), st.just(CA), st.builds(_gross, actions, cents)),
    st.tuples(st.just("credit-voted"), st.just(CM), st.builds(_voted, actions, cents)),
    by("credit-refused", CM, reference="D-2"),
    by("credit-became-enforceable", CM, enforceable_on="2021-01-02"),
    st.tuples(st.just("funding-route-replaced"), st.just(CA), st.builds(_budget, actions, cents)),
    st.tuples(
        st.just("funding-route-replaced"), st.just(CA), st.builds(_by_credit, actions, cents)
    ),
    by("action-abandoned", COPIL, reason="Plus de suite."),
)


def told(moves):
    """The history of a funded contract with whichever of these moves the law accepts."""
    contract = Contract.of(FUNDED[0].contract, FUNDED)
    for slug, body, data in moves:
        try:
            record(contract, slug, data, body=body, decided_on="2021-01-02")
        except AssertionError:
            continue
    return contract


def agree(contract):
    doc, rows = fold(funding, contract.history), ledger.fold(contract.history)
    for name, action in contract.actions.items():
        shown = doc.actions[name].routes if name in doc.actions else []
        assert len(shown) == len(action.routes)
        for number, (route, view) in enumerate(zip(action.routes, shown, strict=True), start=1):
            balance = rows[BALANCES][name, number]
            for sums in (view.sums, balance):
                assert sums.available == route.available
                assert sums.committed == route.committed
                assert sums.spent == route.spent
                assert sums.released == route.released
            assert view.sums.enforceable == route.granted
            assert (balance.requested > 0) == (route.credit == "requested")
            assert (balance.voted > 0) == (route.credit == "voted")
            assert min(balance.available, balance.committed, balance.spent) >= 0
    return doc, rows


def adds_up(rows):
    """Double entry: entries and balances say the same, and every route adds up to nothing."""
    entered = {}
    for entry in rows[ENTRIES].values():
        assert entry.amount > 0
        for account, sign in ((entry.debit, 1), (entry.credit, -1)):
            place = (entry.action, entry.route, account)
            entered[place] = entered.get(place, Decimal(0)) + sign * entry.amount
    for (action, route), balance in rows[BALANCES].items():
        held = {account: getattr(balance, account.value) for account in Account}
        assert sum(held.values()) == 0
        for account, amount in held.items():
            assert entered.get((action, route, account), 0) == amount


def test_the_examples_agree_with_the_law_at_every_step():
    for story in (paquis(), vieux_moulin()):
        for count in range(1, len(story) + 1, 3):
            _, rows = agree(Contract.of("x", story[:count]))
            adds_up(rows)


@given(moves=st.lists(steps, max_size=25))
@settings(max_examples=120)
def test_whatever_is_done_with_money_it_adds_up(moves):
    doc, rows = agree(told(moves))
    adds_up(rows)
    total = doc.total
    assert total.enforceable == total.available + total.committed + total.spent + total.released
    routes = [route.sums for action in doc.actions.values() for route in action.routes]
    assert total.spent == sum(sums.spent for sums in routes)
    assert total.requested == sum(sums.requested for sums in routes)


def test_a_random_walk_reaches_every_kind_of_movement():
    """The walk above is worth something: the law accepts enough of what it tries."""
    moves = [
        ("credit-requested", CA, _gross(CREDIT, "600000.00")),
        ("credit-voted", CM, _voted(CREDIT, "500000.00")),
        ("credit-became-enforceable", CM, _on(CREDIT, enforceable_on="2021-01-02")),
        ("funds-committed", "service", _moved(CREDIT, "400000.00")),
        ("expenditure-recorded", "service", _moved(CREDIT, "100000.00")),
        ("funds-released", "service", _moved(CREDIT, "150000.00")),
        ("action-abandoned", COPIL, _on(CREDIT, reason="Plus de suite.")),
    ]
    contract = told(moves)
    assert len(contract.history) == len(FUNDED) + len(moves)
    rows = ledger.fold(contract.history)
    balance = rows[BALANCES][CREDIT, 1]
    assert balance.refused == Decimal(100_000), "requested and not voted"
    assert balance.spent == Decimal(100_000)
    assert balance.released == Decimal(400_000)
    assert balance.origin == -Decimal(600_000)
    assert {entry.service for entry in rows[ENTRIES].values() if entry.action == CREDIT} == {
        "amenagement-urbain-mobilite"
    }


def test_money_is_dumped_with_two_places_and_never_as_a_number():
    written = funding.dump(fold(funding, vieux_moulin())).decode()
    assert '"spent":"669660.10"' in written
    assert not judge(FUNDED[0].decision, Contract("new"), FUNDED[0].act).refusals
