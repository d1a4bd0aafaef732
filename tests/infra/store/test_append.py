import json
from datetime import UTC, date, datetime

import orjson
import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.canonical import canonical
from infra.database.connection import cursor
from infra.eventstore.append import LARGEST, Indefinite, KeyUsed, StaleVersion, Write, append
from infra.eventstore.repository import contracts, history_of
from infra.eventstore.store import event_at, events_after, log_size
from tests.infra.store.acts import begin, choose, in_threads


def event(contract="paquis", version=1, payload=None):
    return {
        "contract": contract,
        "version": version,
        "type": "contract-suspended",
        "schema": 1,
        "body": "administrative_council",
        "decided_on": date(2014, 3, 1),
        "recorded_by": "test",
        "payload": payload or {"data": {}},
    }


def key(name, version=1):
    return {
        "account": "test",
        "key": name,
        "digest": "00" * 32,
        "contract": "paquis",
        "version": version,
    }


def positions():
    return [position for (position,) in cursor().execute("SELECT position FROM event ORDER BY 1")]


def test_positions_count_from_one_over_all_contracts():
    assert append(Write([event("paquis", 1)])).last_position == 1
    assert append(Write([event("grottes", 1), event("paquis", 2)])).last_position == 3
    assert positions() == [1, 2, 3]
    assert log_size() == 3


def test_events_of_one_call_keep_their_order():
    append(Write([event("paquis", 1), event("grottes", 1), event("paquis", 2)]))
    rows = cursor().execute("SELECT contract, version FROM event ORDER BY position").fetchall()
    assert rows == [("paquis", 1), ("grottes", 1), ("paquis", 2)]


@pytest.mark.parametrize("version", [0, 1, 3, 7])
def test_a_version_that_is_not_the_next_is_refused_and_leaves_nothing(version):
    append(Write([event(version=1)]))
    with pytest.raises(StaleVersion if version else Exception):
        append(Write([event(version=version)], keys=[key("k")]))
    assert positions() == [1]
    assert log_size() == 1
    assert cursor().execute("SELECT count(*) FROM idempotency").fetchone() == (0,)
    assert append(Write([event(version=2)])).last_position == 2


def test_one_stale_contract_among_several_refuses_them_all():
    append(Write([event("paquis", 1)]))
    with pytest.raises(StaleVersion, match="paquis is at version 1"):
        append(Write([event("grottes", 1), event("paquis", 1)]))
    assert positions() == [1]


def test_versions_with_a_gap_among_them_are_refused():
    with pytest.raises(StaleVersion):
        append(Write([event(version=1), event(version=3)]))


def test_a_used_key_refuses_everything():
    append(Write([event(version=1)], keys=[key("k")]))
    with pytest.raises(KeyUsed):
        append(Write([event(version=2)], keys=[key("k", 2)]))
    assert log_size() == 1


def test_a_rolled_back_append_leaves_no_gap():
    append(Write([event(version=1)]))
    with transaction.atomic():
        assert append(Write([event(version=2)])).last_position == 2
        transaction.set_rollback(True)
    assert log_size() == 1
    assert append(Write([event(version=2)])).last_position == 2
    assert positions() == [1, 2]


def test_more_than_a_thousand_events_are_not_taken_at_once():
    with pytest.raises(ValueError, match="1000"):
        append(Write([event(version=each + 1) for each in range(LARGEST + 1)]))
    append(Write([event(version=each + 1) for each in range(LARGEST)]))
    assert positions() == list(range(1, LARGEST + 1))


def test_texts_and_keys_can_be_written_before_their_events():
    append(Write([], keys=[key("k")]))
    assert log_size() == 0
    assert cursor().execute("SELECT key FROM idempotency").fetchone() == ("k",)


def test_instants_never_go_back(owner):
    append(Write([event(version=1)]))
    owner.execute("UPDATE event_log SET recorded_at = recorded_at + interval '1 hour'")
    late = append(Write([event(version=2)])).recorded_at
    assert append(Write([event(version=3)])).recorded_at == late
    assert late.tzinfo is UTC
    assert late > datetime.now(UTC)


def test_a_statement_in_error_spares_those_written_with_it():
    """Eight threads append together; the stale ones fail alone."""
    append(Write([event("stale", 1)]))

    def work(number):
        name = "stale" if number % 4 == 0 else f"fresh-{number}"
        return append(Write([event(name, 1)]))

    answers = in_threads(8, work)
    assert [isinstance(answer, StaleVersion) for answer in answers] == [
        True,
        False,
        False,
        False,
    ] * 2
    assert positions() == list(range(1, 8))


@settings(max_examples=25)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner),
        max_leaves=20,
    )
)
def test_a_payload_comes_back_byte_for_byte(value):
    payload = canonical({"data": value})
    version = log_size() + 1
    append(Write([event("bytes", version, orjson.Fragment(payload))]))
    (stored,) = (
        cursor()
        .execute("SELECT payload::text FROM event WHERE position = %s", [version])
        .fetchone()
    )
    assert stored.encode() == payload
    assert json.loads(stored) == {"data": value}


def test_no_text_in_clear_is_in_the_events():
    begin()
    choose(subject="Zone 30")
    (stored,) = cursor().execute("SELECT string_agg(event::text, '\n') FROM event").fetchone()
    assert "Zone 30" in stored
    for text in ("Aucune mesure technique", "Une remarque"):
        assert text not in stored
        kept = "SELECT count(*) FROM vault_text WHERE content LIKE %s"
        assert cursor().execute(kept, [f"%{text}%"]).fetchone() == (1,)


def test_what_was_recorded_is_read_back_equal():
    first = begin().recorded
    second = choose(
        evidence=[{"sha256": "ab" * 32, "title": "Procès-verbal", "reference": "PV 3"}]
    ).recorded
    assert list(events_after(0, 10)) == [first, second]
    assert event_at(2) == second
    assert event_at(3) is None
    contracts.forget()
    assert history_of("paquis") == [first, second]


def test_a_lost_connection_is_told_apart_from_a_refusal(owner):
    (pid,) = cursor().execute("SELECT pg_backend_pid()").fetchone()
    owner.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises(Indefinite):
        append(Write([event()]))
    assert connection.connection is None
    assert append(Write([event()])).last_position == 1


def test_an_error_of_ours_is_not_hidden():
    with pytest.raises(psycopg.Error):
        append(Write([event() | {"decided_on": "no day"}]))


def test_whoever_waits_too_long_for_the_counter_is_told(owner):
    append(Write([event(version=1)]))
    owner.execute("ALTER FUNCTION append SET lock_timeout = '50ms'")
    with owner.transaction():
        owner.execute("SELECT FROM event_log FOR UPDATE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            append(Write([event(version=2)], keys=[key("k", 2)]))
    assert append(Write([event(version=2)], keys=[key("k", 2)])).last_position == 2


def test_a_prepared_append_survives_what_psycopg_deallocates():
    append(Write([event(version=1)]))
    cursor().execute("DEALLOCATE ALL")
    assert append(Write([event(version=2)])).last_position == 2
    assert append(Write([event(version=3)])).last_position == 3
