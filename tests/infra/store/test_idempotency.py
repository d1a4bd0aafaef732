import json

import psycopg
import pytest

from infra.database.connection import forget_connection
from infra.eventstore import append as appending
from infra.eventstore.append import Indefinite, _append
from infra.eventstore.repository import contracts
from infra.eventstore.store import log_size
from infra.recording.recording import record
from infra.recording.refusals import InvalidFields, KeyReused, Refused
from tests.infra.store.acts import COORDINATOR, COUNCIL, NOW, begin, choose, decide, in_threads

SUSPENDED = {"slug": "contract-suspended", "data": {"reason": "Une raison."}}


def test_the_same_request_is_recorded_once_and_answered_alike():
    begin()
    first = choose(idempotency_key="k")
    again = choose(idempotency_key="k")
    contracts.forget()
    much_later = choose(idempotency_key="k")
    assert not first.replayed
    assert again.replayed
    assert much_later.replayed
    assert first.recorded == again.recorded == much_later.recorded
    assert log_size() == 2


def test_a_retry_is_answered_though_the_rules_would_refuse_it_now():
    begin()
    first = decide(**SUSPENDED, idempotency_key="k")
    with pytest.raises(Refused):
        decide(**SUSPENDED)
    assert decide(**SUSPENDED, idempotency_key="k").recorded == first.recorded


def test_a_retry_is_answered_though_the_version_has_moved_on():
    begin()
    first = choose(idempotency_key="k", expected=1)
    choose()
    assert choose(idempotency_key="k", expected=1).recorded == first.recorded


def test_a_retry_of_a_beginning_names_the_same_contract():
    first = begin(None, idempotency_key="k")
    assert begin(None, idempotency_key="k").recorded == first.recorded
    assert log_size() == 1


def test_the_same_key_for_another_request_is_refused():
    begin()
    choose(idempotency_key="k")
    with pytest.raises(KeyReused):
        choose(subject="Une autre", idempotency_key="k")
    with pytest.raises(KeyReused):
        decide("contract-suspended", data={"reason": 5}, idempotency_key="k")
    with pytest.raises(KeyReused):
        choose(idempotency_key="k", request_digest=b"another")
    assert log_size() == 2


def test_a_refused_request_leaves_its_key_free():
    begin()
    with pytest.raises(Refused):
        decide("contract-resumed", data={"reason": "Une raison."}, idempotency_key="k")
    assert not choose(idempotency_key="k").replayed


def test_a_key_belongs_to_its_account():
    begin(idempotency_key="k")
    assert not decide(**SUSPENDED, account=COUNCIL, idempotency_key="k").replayed


@pytest.mark.parametrize("key", ["", "k" * 256, "a\nb", "a\0b"])
def test_a_key_that_cannot_be_one_is_refused(key):
    with pytest.raises(InvalidFields):
        begin(idempotency_key=key)


def test_sixteen_times_the_same_request_at_once_is_one_decision():
    begin()
    answers = in_threads(16, lambda _: choose(idempotency_key="k"))
    assert len({answer.recorded.position for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert log_size() == 2


def test_the_same_key_for_two_contracts_at_once_is_one_decision():
    begin("paquis")
    begin("grottes")
    answers = in_threads(
        8,
        lambda number: choose(
            "grottes" if number % 2 else "paquis", idempotency_key="k", request_digest=b"same"
        ),
    )
    assert len({answer.recorded.position for answer in answers}) == 1


def lose_the_answer(monkeypatch, *, stored):
    """The connection breaks once, after the commit or before it."""
    calls = []

    def broken(write):
        calls.append(write)
        if len(calls) > 1:
            return _append(write)
        if stored:
            _append(write)
        forget_connection()
        raise Indefinite from psycopg.OperationalError("server closed the connection")

    monkeypatch.setattr(appending, "_append", broken)
    return calls


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("stored", [True, False])
def test_an_answer_lost_with_its_connection_is_found_again(monkeypatch, key, stored):
    begin()
    calls = lose_the_answer(monkeypatch, stored=stored)
    outcome = choose(idempotency_key=key)
    assert outcome.recorded.version == 2
    assert len(calls) == (1 if stored else 2)
    assert log_size() == 2
    assert choose().recorded.version == 3


def test_a_decision_without_texts_is_found_again_as_well(monkeypatch):
    begin()
    lose_the_answer(monkeypatch, stored=True)
    data = json.dumps({"reference": "IE-12"}).encode()
    outcome = record(
        "paquis",
        "municipal-council-informed",
        data,
        decided_on="2014-04-01",
        account=COORDINATOR,
        now=NOW,
    )
    assert outcome.recorded.version == 2
    assert log_size() == 2


def test_a_server_that_dies_under_sixteen_writers_doubles_nothing(owner):
    """Every connection is cut again and again while they record under keys."""
    for number in range(16):
        begin(f"c{number}")

    def work(number):
        if number == 16:
            for _ in range(15):
                owner.execute(
                    "SELECT pg_terminate_backend(pid), pg_sleep(0.02) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            return []
        recorded = []
        for turn in range(10):
            for _ in range(50):
                try:
                    answer = choose(
                        f"c{number}", f"Option {turn}", idempotency_key=f"{number}.{turn}"
                    )
                except Exception as error:
                    if "connection" not in str(error) and "terminat" not in str(error):
                        raise
                    forget_connection()
                else:
                    recorded.append(answer.recorded)
                    break
        return recorded

    answers = in_threads(17, work)
    assert all(isinstance(answer, list) for answer in answers), answers
    recorded = [one for answer in answers for one in answer]
    forget_connection()
    assert len(recorded) == 160
    assert sorted(one.position for one in recorded) == list(range(17, 177))
    assert log_size() == 176
