"""The events as read models are given them: all of them, and never in one long transaction."""

import contextlib

import pytest

from infra.eventstore import source
from infra.eventstore.source import StoredEvents
from projections.catalogue import PROJECTIONS
from projections.engine.rebuild import rebuild
from tests.infra.store.acts import begin, choose

IN_TRANSACTION = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'
"""


@pytest.fixture(autouse=True)
def _a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(source, "FETCHED", 2)


@pytest.mark.parametrize("decisions", range(4))
def test_all_decisions_are_read_contract_by_contract(decisions):
    """Whether the last fetch is full, or empty, or cuts a contract in two."""
    names = ["grottes", "jonction", "paquis"]
    for name in reversed(names):
        begin(name)
    for number in range(decisions):
        choose("paquis", f"Zone {number}")
        choose("grottes", f"Zone {number}")
    end = StoredEvents().end()
    choose("jonction")
    begin("acacias")
    read = [(each.contract, each.version) for each in StoredEvents().by_contract(end)]
    longer = range(1, decisions + 2)
    assert read == [
        *[("grottes", version) for version in longer],
        ("jonction", 1),
        *[("paquis", version) for version in longer],
    ]


def test_no_transaction_is_open_while_events_are_read(owner):
    """A snapshot held for minutes would slow every append down (docs/adr/0004)."""
    for name in ("paquis", "grottes", "jonction"):
        begin(name)
    with contextlib.closing(StoredEvents().by_contract(3)) as events:
        next(events)
        assert owner.execute(IN_TRANSACTION).fetchone() == (0,)


def test_no_transaction_is_open_while_read_models_are_made_again(owner):
    for name in ("paquis", "grottes", "jonction"):
        begin(name)
    seen = []

    def look(*_):
        seen.append(owner.execute(IN_TRANSACTION).fetchone())

    rebuild(StoredEvents(), PROJECTIONS.values(), look)
    assert seen == [(0,)] * 3
