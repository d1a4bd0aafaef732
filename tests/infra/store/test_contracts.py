"""What is kept of contracts in memory follows the log, is shared safely, and has its limits."""

import pytest
from django.db import transaction

from infra.database.connection import cursor
from infra.eventstore import repository as module
from infra.eventstore.repository import (
    Contracts,
    UnknownContract,
    contracts,
    history_of,
    version_of,
)
from tests.infra.store.acts import begin, choose, in_threads


@pytest.fixture
def rows_read(monkeypatch):
    """The positions of the events read out of the database."""
    read = []

    def counting(row):
        read.append(row[0])
        return original(row)

    original = module.recorded_of
    monkeypatch.setattr(module, "recorded_of", counting)
    return read


def test_what_this_process_records_is_never_read(rows_read):
    begin()
    for _ in range(10):
        choose()
    assert len(history_of("paquis")) == 11
    assert rows_read == []


def test_only_what_others_recorded_is_read(rows_read, monkeypatch):
    begin()
    choose()
    monkeypatch.setattr("infra.recording.recording.contracts", Contracts(1 << 20))
    choose()
    rows_read.clear()
    assert [recorded.version for recorded in history_of("paquis")] == [1, 2, 3]
    assert rows_read == [3]


def test_a_history_is_the_caller_s_own():
    begin()
    history_of("paquis").clear()
    assert len(history_of("paquis")) == 1


def test_an_unknown_contract_is_unknown_and_takes_no_room():
    for name in ("nowhere", "", "a\u2028b"):
        with pytest.raises(UnknownContract):
            history_of(name)
        assert version_of(name) == 0
    assert contracts._held == {}


def test_what_fails_while_it_changes_is_thrown_away(rows_read, monkeypatch):
    begin()
    choose()
    with contracts.hold("paquis") as held:
        monkeypatch.setattr(type(held.contract), "evolve", None)
        with pytest.raises(TypeError):
            held.take_in(held.contract.history[0])
        assert held.version == 0
    monkeypatch.undo()
    assert len(history_of("paquis")) == 2


def read(kept, *names):
    for name in names:
        with kept.hold(name) as held:
            held.catch_up()


def kept_by(kept):
    return [key[1] for key in kept._held]


def test_the_contracts_used_longest_ago_make_room():
    for name in ("a", "b", "c"):
        begin(name)
        choose(name)
    with Contracts(0).hold("a") as held:
        held.catch_up()
    small = Contracts(2 * held.size + held.size // 2)
    read(small, "a", "b", "a", "c")
    assert kept_by(small) == ["a", "c"]
    assert small._held.currsize == 2 * held.size
    small.forget("c")
    assert kept_by(small) == ["a"]
    small.forget()
    assert small._held.currsize == 0


def test_a_contract_that_grows_makes_others_go_and_at_last_goes_itself():
    for name in ("a", "b"):
        begin(name)
    with Contracts(0).hold("a") as one:
        one.catch_up()
    small = Contracts(3 * one.size)
    read(small, "a", "b")
    while kept_by(small) == ["a", "b"]:
        choose("b")
        read(small, "b")
    assert kept_by(small) == ["b"]
    while kept_by(small):
        choose("b")
        read(small, "b")
    with small.hold("b") as held:
        held.catch_up()
        assert held.size > 3 * one.size
        assert held.version == version_of("b")


def test_a_contract_is_counted_as_large_whoever_recorded_its_decisions():
    begin()
    for _ in range(20):
        choose()
    with contracts.hold("paquis") as ours, Contracts(0).hold("paquis") as read_anew:
        read_anew.catch_up()
        assert ours.version == read_anew.version == 21
        assert ours.size == pytest.approx(read_anew.size, rel=0.1)


def test_a_transaction_shares_nothing():
    begin()
    with transaction.atomic():
        with contracts.hold("paquis") as held:
            held.catch_up()
            assert held.version == 1
        assert all(known is not held for known in contracts._held.values())
        choose()
        assert len(history_of("paquis")) == 2
        transaction.set_rollback(True)
    assert len(history_of("paquis")) == 1


def test_readers_and_writers_of_one_contract_see_whole_histories():
    begin()

    def work(number):
        if number % 2:
            return [choose().recorded.version for _ in range(10)]
        seen = []
        for _ in range(20):
            versions = [recorded.version for recorded in history_of("paquis")]
            assert versions == list(range(1, len(versions) + 1))
            seen.append(len(versions))
        assert seen == sorted(seen)
        return seen

    answers = in_threads(8, work)
    assert all(isinstance(answer, list) for answer in answers), answers
    assert len(history_of("paquis")) == 41
    assert cursor().execute("SELECT count(*) FROM event").fetchone() == (41,)
