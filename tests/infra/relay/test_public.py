"""What leaves by the relay names no person and quotes no resident, whatever was decided."""

import datetime as dt
import json
import uuid

import jsonschema
import orjson
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.catalogue import catalogue
from domain.kernel.payload import UnreadableEvent, write
from domain.kernel.values import Audience, TextRef
from infra.relay.messages import Messages
from infra.relay.public import decision_schema
from infra.relay.topics import DECISIONS, FUNDING
from tests.domain.given import Taken, told
from tests.domain.stages import CLOSED
from tests.domain.strategies import PERSONS, data_of

few = settings(
    max_examples=15, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
each_kind = pytest.mark.parametrize("kind", catalogue().values(), ids=lambda kind: kind.slug)

CONTRACT = told(*CLOSED[:-1])


class Keeper:
    """Gives each text a reference of its own, and remembers for whom it was."""

    def __init__(self):
        self.kept = {Audience.PUBLIC: [], Audience.RESTRICTED: []}

    def keep(self, text, audience):
        self.kept[audience].append(reference := str(uuid.uuid4()))
        return TextRef(text=reference, digest="0" * 64)


class NoLog:
    """A log in memory, of the contract alone."""

    def history(self, contract, before, slugs):
        return iter(())

    def type_at(self, position):
        found = [r for r in CONTRACT.history if r.position == position]
        return found[0].decision.slug if found else None


def row_of(kind, decision, act):
    instant = dt.datetime(2026, 11, 22, 18, 10, 0, 123456, tzinfo=dt.UTC)
    payload = write(decision, act).decode()
    version = len(CONTRACT.history) + 1
    return (
        310,
        "paquis",
        version,
        kind.slug,
        kind.schema_version,
        act.body.value,
        act.decided_on,
        instant,
        "coordinator",
        payload,
    )


def messages_of(kind, decision, act):
    return list(Messages(NoLog(), "urn:quartier").of(row_of(kind, decision, act)))


@each_kind
@few
@given(data=st.data())
def test_no_person_and_no_residents_words(kind, data):
    fields = data.draw(data_of(kind, CONTRACT))
    taken = Taken(kind, dt.date(2018, 9, 10), fields, min(kind.taken_by))
    keeper = Keeper()
    try:
        decision = kind.parse(json.dumps(fields), keeper=keeper, contract=CONTRACT)
    except ValidationError:
        reject()
    decided, *about_money = messages_of(kind, decision, taken.act)
    assert decided.topic == DECISIONS
    assert [message.topic for message in about_money] in ([], [FUNDING])
    for message in (decided, *about_money):
        for withheld in (*PERSONS, *keeper.kept[Audience.RESTRICTED]):
            assert withheld.encode() not in message.value
    for reference in keeper.kept[Audience.PUBLIC]:
        assert reference.encode() in decided.value
        assert all(reference.encode() not in message.value for message in about_money)
    value = orjson.loads(decided.value)
    assert (value["contract"], value["position"]) == ("paquis", 310)
    jsonschema.Draft202012Validator(decision_schema(kind)).validate(value)


@each_kind
def test_every_type_has_a_schema_of_its_own(kind):
    schema = decision_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:quartier:schema:decision:{kind.slug}:{kind.schema_version}"
    text = json.dumps(schema)
    assert '"person"' not in text
    assert "restricted-text" not in text


def test_a_rectification_is_told_without_what_its_subject_withholds():
    """The corrected fields are those of another decision: its type says what may be read."""
    kind = catalogue()["decision-rectified"]
    appointed = next(r for r in CONTRACT.history if r.decision.slug == "coordinator-appointed")
    decision = kind.model_validate(
        {
            "position": appointed.position,
            "reason": TextRef(text=str(uuid.uuid4()), digest="0" * 64),
            "fields": {"person": PERSONS[1]},
        }
    )
    (message,) = messages_of(kind, decision, appointed.act)
    assert orjson.loads(message.value)["data"]["fields"] == {}


def test_a_rectification_of_nothing_known_tells_no_fields():
    kind = catalogue()["decision-rectified"]
    reason = TextRef(text=str(uuid.uuid4()), digest="0" * 64)
    decision = kind.model_validate(
        {"position": 999, "reason": reason, "fields": {"person": PERSONS[1]}}
    )
    (message,) = messages_of(kind, decision, CONTRACT.history[0].act)
    assert orjson.loads(message.value)["data"]["fields"] == {}


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (3, "of-the-future", "no decision type of that name is known"),
        (4, 9, "coordinator-appointed has schema 9, known is 1"),
        (9, "{}", "'data' is not known"),
        (9, "[]", "TypeError: list indices must be integers or slices, not str"),
    ],
)
def test_an_event_that_cannot_be_read_is_named(place, value, reason):
    appointed = next(r for r in CONTRACT.history if r.decision.slug == "coordinator-appointed")
    row = list(row_of(type(appointed.decision), appointed.decision, appointed.act))
    row[place] = value
    with pytest.raises(UnreadableEvent) as caught:
        Messages(NoLog(), "urn:quartier").of(tuple(row))
    assert caught.value.position == 310
    assert caught.value.reason == reason


def test_the_headers_are_cloudevents_in_binary_mode():
    taken = next(taken for taken in CLOSED if taken.kind.slug == "funds-committed")
    decided, funding = messages_of(taken.kind, taken.read(CONTRACT), taken.act)
    version = str(len(CONTRACT.history) + 1).encode()
    expected = {
        "ce_specversion": b"1.0",
        "ce_id": b"paquis/" + version,
        "ce_source": b"urn:quartier",
        "ce_type": b"ch.quartier.funds-committed.v1",
        "ce_time": b"2026-11-22T18:10:00.123456Z",
        "ce_subject": b"paquis",
        "ce_sequence": b"00000000000000000310",
        "content-type": b"application/json",
    }
    assert dict(decided.headers) == expected | {
        "ce_dataschema": b"urn:quartier:schema:decision:funds-committed:1"
    }
    assert dict(funding.headers) == expected | {
        "ce_dataschema": b"urn:quartier:schema:funding-event:1"
    }
    assert decided.key == funding.key == b"paquis"
