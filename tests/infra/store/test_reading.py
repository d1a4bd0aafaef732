"""What is stored is read by the names of a closed registry, whatever version it was written in."""

import contextlib
import unicodedata
from datetime import date
from typing import Any

import orjson
import pytest
from django.db import transaction
from eventsourcing.application import AggregateNotFoundError
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.kernel.act import Act, Body
from domain.kernel.contract import Contract
from domain.kernel.decision import Decision, UnknownDecisionType
from domain.kernel.payload import NewerSchema, UnreadableEvent
from domain.kernel.values import AccountId, Title
from infra import vault
from infra.database.connection import as_owner, cursor
from infra.eventstore.append import StaleVersion, Write, append
from infra.eventstore.repository import UnknownContract, contracts, history_of
from infra.eventstore.store import EventRecorder, Quartier, event_at, log_size, pending
from infra.recording.recording import initiate
from tests.bench.many import fill
from tests.infra.store.acts import COORDINATOR, NOW, begin, choose, decide
from tests.infra.store.test_append import event


@contextlib.contextmanager
def unreadable(cause):
    with pytest.raises(UnreadableEvent) as caught:
        yield
    assert isinstance(caught.value.__cause__, cause)


@pytest.fixture
def renamed(monkeypatch):
    """A type that is in its second version: what was `name` is a `title` now."""
    registry = dict(Decision.registry)
    monkeypatch.setattr(Decision, "registry", registry)

    class ThingNamed(Decision, taken_by={Body.COORDINATOR}, basis="4", schema=2):
        """A thing is named."""

        fr = "Chose nommée"
        title: Title

        @staticmethod
        def upcast_v1_v2(data: dict[str, Any]) -> dict[str, Any]:
            return {"title": data["name"]}

    return ThingNamed


def test_a_name_that_is_not_registered_is_refused_and_nothing_is_imported():
    for name in (
        "no-such-thing",
        "os:system",
        "domain.chapters.initiation:ContractInitiated",
        "Decision",
    ):
        append(Write([event(name.replace(":", "-"), 1) | {"type": name}]))
        with unreadable(UnknownDecisionType):
            event_at(log_size())
        with unreadable(UnknownDecisionType):
            history_of(name.replace(":", "-"))


def test_a_newer_schema_is_refused():
    begin()
    append(Write([event(version=2) | {"schema": 2}]))
    with unreadable(NewerSchema):
        event_at(2)
    with unreadable(NewerSchema):
        history_of("paquis")
    with unreadable(NewerSchema):
        choose()
    assert log_size() == 2


def test_an_older_schema_is_read_as_the_present_one(renamed):
    begin()
    old = {"type": "thing-named", "body": "coordinator", "payload": {"data": {"name": "Une chose"}}}
    append(Write([event(version=2) | old]))
    assert history_of("paquis")[1].decision == renamed(title="Une chose")
    new = decide("thing-named", data={"title": "Une autre"}).recorded
    contracts.forget()
    assert history_of("paquis")[2] == new


def test_a_payload_that_is_not_of_its_type_is_refused():
    append(Write([event(payload={"data": {"reason": "in clear"}})]))
    with unreadable(ValidationError):
        event_at(1)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("type = 'os.system'", "no decision type of that name is known"),
        ("schema = 9", "strategic-option-validated was stored under schema 9, known is 1"),
        ("body = 'king'", "'king' is not known"),
        ("payload = '{}'", "data: Field required"),
        ("payload = '[]'", "its payload: Input should be an object"),
    ],
)
def test_an_event_that_cannot_be_read_is_named(owner, harm, reason):
    begin()
    choose()
    owner.execute("ALTER TABLE event DISABLE TRIGGER event_is_never_changed")
    owner.execute(f"UPDATE event SET {harm} WHERE position = 2")
    with pytest.raises(UnreadableEvent) as caught:
        event_at(2)
    error = caught.value
    assert (error.position, error.contract, error.version) == (2, "paquis", 2)
    assert error.reason == reason
    assert str(error).startswith(f"Event 2 (paquis, version 2, {error.type}) cannot be read: ")


def test_a_type_added_at_run_time_is_recorded_like_any_other(renamed):
    begin()
    recorded = decide("thing-named", data={"title": "Une chose"}).recorded
    assert recorded.act.body is Body.COORDINATOR
    assert event_at(2) == recorded


@settings(max_examples=40)
@given(
    title=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=60),
    text=st.text(
        st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\t"), min_size=1
    ).filter(str.strip),
    day=st.dates(date(2014, 2, 12), date(2026, 11, 22)),
)
def test_whatever_is_recorded_is_read_back_equal(title, text, day):
    data = {
        "ground": "population_request",
        "title": title,
        "territory": "Ici",
        "justification": text,
    }
    recorded = initiate(orjson.dumps(data), decided_on=day, account=COORDINATOR, now=NOW).recorded
    assert event_at(recorded.position) == recorded
    reference = recorded.decision.justification
    (kept,) = vault.texts([reference.text], reader=None).values()
    assert kept == unicodedata.normalize("NFC", text)


# --- The library's side ---------------------------------------------------------------------------


def fold(contract, events):
    state = contract
    for each in events:
        state = state or Contract(each.originator_id)
        state.evolve(each.recorded)
    return state


def test_the_library_s_application_stands_on_our_store():
    first, second = begin().recorded, choose().recorded
    with Quartier() as application:
        state = application.repository.get("paquis", projector_func=fold)
        assert state.history == [first, second]
        earlier = application.repository.get("paquis", version=1, projector_func=fold)
        assert earlier.history == [first]
        with pytest.raises(AggregateNotFoundError):
            application.repository.get("nowhere", projector_func=fold)
        notifications = application.notification_log.select(1, 10)
        assert [each.id for each in notifications] == [1, 2]
        assert [application.mapper.to_domain_event(each).recorded for each in notifications] == [
            first,
            second,
        ]
        assert application.recorder.max_notification_id() == 2


def test_the_library_s_event_store_appends_through_ours():
    begin()
    act = Act(Body.COORDINATOR, date(2014, 4, 1), AccountId("library"))
    decision = choose().recorded.decision
    with Quartier() as application:
        (recording,) = application.events.put([pending("paquis", 3, decision, act)])
        assert recording.notification.id == 3
        with pytest.raises(StaleVersion):
            application.events.put([pending("paquis", 3, decision, act)])
        assert application.events.put([]) == []
    assert history_of("paquis")[2].decision == decision


def test_selections_of_the_recorder():
    begin("a")
    begin("b")
    for _ in range(4):
        choose("a")
    with Quartier() as application:
        recorder = application.recorder

        def versions(**bounds):
            return [each.originator_version for each in recorder.select_events("a", **bounds)]

        def ids(*bounds, **more):
            return [each.id for each in recorder.select_notifications(*bounds, **more)]

        assert versions() == [1, 2, 3, 4, 5]
        assert versions(gt=1, lte=4) == [2, 3, 4]
        assert versions(desc=True, limit=2) == [5, 4]
        assert ids(None, 10) == [1, 2, 3, 4, 5, 6]
        assert ids(2, 2) == [2, 3]
        assert ids(2, 10, 4, inclusive_of_start=False) == [3, 4]
        assert ids(1, 10, topics=["contract-initiated"]) == [1, 2]


def test_some_types_are_read_as_if_all_were_read_and_the_others_left_out():
    fill(25, days=1)
    recorder = EventRecorder()
    everything = recorder.select_notifications(1, 10_000)
    for types in (
        ["contract-closed"],
        ["person-erased"],
        ["contract-closed", "handover-accepted", "contract-closed"],
        ["contract-initiated", "need-expressed", "plenary-held", "credit-voted"],
    ):
        for after, stop, limit in ((0, None, 3), (40, 300, 1000), (150, None, 7)):
            asked = recorder.select_notifications(
                after, limit, stop, topics=types, inclusive_of_start=False
            )
            assert (
                asked
                == [
                    each
                    for each in everything
                    if each.topic in types and after < each.id <= (stop or log_size())
                ][:limit]
            )


def test_no_event_is_passed_by_in_search_of_a_type_that_never_comes():
    """A statement that is prepared for any type once walked all positions from there on."""
    fill(150, days=1)
    with as_owner():
        cursor().execute("ANALYZE event")
    with transaction.atomic():
        cursor().execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for _ in range(10):
            found = EventRecorder().select_notifications(500, 100, topics=["person-erased"])
            assert list(found) == []
        read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
        assert cursor().execute(f"{read} WHERE relname = 'event'").fetchone() == (0,)


def test_an_empty_log_has_no_last_event():
    with Quartier() as application:
        assert application.recorder.max_notification_id() is None
    with pytest.raises(UnknownContract):
        history_of("paquis")
