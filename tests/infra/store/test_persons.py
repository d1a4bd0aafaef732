"""The persons that a decision names are found wherever its annotations let them stand."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import pytest
from annotated_types import MaxLen
from pydantic import BaseModel, Field

from domain.chapters.corrections import DecisionRectified
from domain.kernel.act import Act, Body
from domain.kernel.contract import Contract
from domain.kernel.decision import Decision, Recorded
from domain.kernel.values import Key, PersonId, TextRef
from infra.recording.persons import persons_in

SOMEBODY = [f"00000000-0000-4000-8000-{number:012}" for number in range(10)]


class Seat(BaseModel):
    holder: PersonId
    deputy: PersonId | None = None
    title: str = "00000000-0000-4000-8000-000000000009"


@pytest.fixture
def everywhere(monkeypatch):
    monkeypatch.setattr(Decision, "registry", dict(Decision.registry))

    class PersonsEverywhere(Decision, taken_by={Body.COORDINATOR}, basis="4"):
        """A decision that names persons in every way there is."""

        fr = "Personnes partout"
        one: PersonId
        perhaps: PersonId | None = None
        several: Annotated[tuple[PersonId, ...], MaxLen(5)] = ()
        seats: tuple[Seat, ...] = ()
        by_key: dict[Key, PersonId] = Field(default_factory=dict)
        votes: dict[PersonId, int] = Field(default_factory=dict)
        seat: Seat | None = None
        loose: dict[str, Any] = Field(default_factory=dict)

    return PersonsEverywhere


def test_persons_are_found_in_every_shape(everywhere):
    decision = everywhere(
        one=SOMEBODY[0],
        perhaps=SOMEBODY[1],
        several=(SOMEBODY[2], SOMEBODY[3]),
        seats=(Seat(holder=SOMEBODY[4], deputy=SOMEBODY[5]), Seat(holder=SOMEBODY[6])),
        by_key={"a-b": SOMEBODY[7]},
        votes={SOMEBODY[8]: 3},
        seat=Seat(holder=SOMEBODY[0]),
        loose={"not": SOMEBODY[9]},
    )
    assert list(persons_in(decision, Contract("example"))) == [
        ("/data/one", SOMEBODY[0]),
        ("/data/perhaps", SOMEBODY[1]),
        ("/data/several/0", SOMEBODY[2]),
        ("/data/several/1", SOMEBODY[3]),
        ("/data/seats/0/holder", SOMEBODY[4]),
        ("/data/seats/0/deputy", SOMEBODY[5]),
        ("/data/seats/1/holder", SOMEBODY[6]),
        ("/data/by_key/a-b", SOMEBODY[7]),
        (f"/data/votes/{SOMEBODY[8]}", SOMEBODY[8]),
        ("/data/seat/holder", SOMEBODY[0]),
    ]


def test_what_is_left_out_names_nobody(everywhere):
    decision = everywhere(one=SOMEBODY[0])
    assert list(persons_in(decision, Contract("example"))) == [("/data/one", SOMEBODY[0])]


def test_a_rectification_is_looked_at_as_the_decision_it_corrects_now_stands(everywhere):
    first = recorded(1, everywhere(one=SOMEBODY[0]))
    second = recorded(2, rectification(perhaps=SOMEBODY[1]))
    contract = Contract.of("example", [first, second])
    assert list(persons_in(rectification(one=SOMEBODY[2]), contract)) == [
        ("/data/fields/one", SOMEBODY[2]),
        ("/data/fields/perhaps", SOMEBODY[1]),
    ]


def rectification(**fields):
    reason = TextRef(text=SOMEBODY[9], digest="0" * 64)
    return DecisionRectified(position=1, reason=reason, fields=fields)


def recorded(position, decision):
    act = Act(Body.COORDINATOR, date(2014, 3, 1), "test")
    return Recorded(position, "example", position, datetime(2014, 3, 1, tzinfo=UTC), act, decision)
