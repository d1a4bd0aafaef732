"""A decision type is one class: added while the program runs, all the rest follows by itself."""

import json
from collections.abc import Iterator
from typing import Self

import pytest
from pydantic import ValidationError

import domain.catalogue
from domain.chapters.corrections import DecisionRectified
from domain.chapters.initiation import COUNCIL, ContractInitiated
from domain.kernel.act import Act, Body
from domain.kernel.contract import Contract
from domain.kernel.decision import GENERAL, Decision, decision_type, judge, obstacles
from domain.kernel.payload import NewerSchema, read, write
from domain.kernel.rule import Rule
from domain.kernel.values import Title
from tests.domain.given import given, parse, take, text_ref, told
from tests.domain.stages import CLOSING, INITIATED


class SameTitle(Rule, basis="2"):
    """A renaming changes the title."""

    fr = "Le contrat porte déjà le titre « {title} »."
    en = "The contract already has the title “{title}”."


class RenamedAtTheEnd(Rule, basis="4.5", departable=True):
    """A contract that is about to close keeps its name."""

    fr = "La clôture est ouverte depuis le {opened_on}."
    en = "Closure has been open since {opened_on}."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.closure_opened_on is not None:
            yield cls(opened_on=contract.closure_opened_on)


for rule in (SameTitle, RenamedAtTheEnd):
    del Rule.registry[rule.id]


@pytest.fixture
def renamed(monkeypatch) -> type[Decision]:
    """A type that is registered during one test; its fields have changed once."""
    monkeypatch.setattr(Decision, "registry", dict(Decision.registry))
    monkeypatch.setattr(Rule, "registry", dict(Rule.registry))

    class ContractRenamed(Decision, taken_by=COUNCIL, basis="2", schema=2):
        """The council gives the contract another title."""

        fr = "Contrat renommé"
        requires = (RenamedAtTheEnd,)

        title: Title

        def judge(self, contract: Contract, act: Act) -> Iterator[SameTitle]:
            first = contract.history[0].decision
            if self.title == first.title:
                yield SameTitle(title=self.title)

        @staticmethod
        def upcast_v1_v2(data):
            return {"title": data["name"]} if "name" in data else {}

    return ContractRenamed


def test_it_has_names_and_a_place_in_the_catalogue(renamed):
    assert decision_type("contract-renamed") is renamed
    assert renamed.label() == ("Contrat renommé", "Contract renamed")
    assert list(domain.catalogue.catalogue())[-1] == "contract-renamed"


def test_it_declares_its_rules(renamed):
    assert renamed.rules() == (*GENERAL, RenamedAtTheEnd, SameTitle)


def test_it_has_a_schema(renamed):
    schema = renamed.model_json_schema()
    assert schema["required"] == ["title"]
    assert schema["properties"]["title"]["maxLength"] == 120


def test_what_stands_in_its_way_is_known_beforehand(renamed):
    act = take(renamed, "2018-07-01", title="Autre").act
    assert list(obstacles(renamed, told(*INITIATED), act)) == []
    (found,) = obstacles(renamed, told(*CLOSING), act)
    assert found.message("fr") == "La clôture est ouverte depuis le 20 juin 2018."


def test_it_is_judged_and_recorded(renamed):
    title = INITIATED[0].fields["title"]
    given(INITIATED).when(renamed, title="Autre").recorded().holds()
    given(INITIATED).when(renamed, title=title).refused(SameTitle, title=title).holds()
    given(CLOSING).when(renamed, title="Autre").refused(RenamedAtTheEnd).holds()
    given(CLOSING).when(renamed, title="Autre", departing=[RenamedAtTheEnd]).recorded().holds()
    given(INITIATED).when(renamed, by=Body.PLENARY, title="Autre").not_competent().holds()
    given(INITIATED).when(renamed, title="").malformed("title").holds()


def test_what_was_stored_under_the_first_schema_is_read_as_the_second(renamed):
    assert read("contract-renamed", 1, '{"data":{"name":"Autre"}}').data == renamed(title="Autre")
    assert read("contract-renamed", 2, '{"data":{"title":"Autre"}}').data == renamed(title="Autre")
    with pytest.raises(ValidationError):
        read("contract-renamed", 2, '{"data":{"name":"Autre"}}')
    with pytest.raises(NewerSchema):
        read("contract-renamed", 3, '{"data":{"title":"Autre"}}')


def test_a_rectification_written_under_the_first_schema_still_corrects(renamed):
    story = (*INITIATED, take(renamed, "2014-03-01", title="Autre"))
    contract = told(*story)
    corrects = {"position": 2, "reason": "Faute.", "fields": {"title": "Un autre"}}
    correction = parse(DecisionRectified, contract, **corrects)
    assert correction.written_under == 2
    assert correction.corrected(contract.history[1]).decision == renamed(title="Un autre")
    earlier = DecisionRectified(position=2, reason=text_ref("Faute."), fields={"name": "Un autre"})
    assert earlier.corrected(contract.history[1]).decision == renamed(title="Un autre")
    stored = json.loads(write(correction, story[1].act))
    assert stored["data"]["written_under"] == 2


def test_a_type_says_how_to_read_each_earlier_schema():
    with pytest.raises(TypeError, match="schema 2"):

        class Forgetful(Decision, taken_by=COUNCIL, basis="2", schema=3):
            """It says how to read the first schema and not the second."""

            fr = "Oublieux"

            @staticmethod
            def upcast_v1_v2(data):
                return data

    assert "forgetful" not in Decision.registry


def test_a_type_has_a_french_name():
    with pytest.raises(TypeError, match="French name"):

        class Nameless(Decision, taken_by=COUNCIL, basis="2"):
            """It has none."""

    assert "nameless" not in Decision.registry


def test_names_of_types_and_rules_are_taken_once():
    with pytest.raises(TypeError, match="contract-initiated is taken"):
        type(
            "ContractInitiated",
            (Decision,),
            {"fr": "Autre", "__module__": "elsewhere"},
            taken_by=COUNCIL,
            basis="2",
        )
    with pytest.raises(TypeError, match="not-under-way is taken"):
        type("NotUnderWay", (Rule,), {"fr": "", "en": "", "__module__": "elsewhere"}, basis="2")
    assert decision_type("contract-initiated") is ContractInitiated


def test_a_rule_about_fields_is_not_asked_about_the_contract_alone():
    contract = told(*INITIATED)
    act = INITIATED[0].act
    with pytest.raises(TypeError, match="yield it from `judge`"):
        list(SameTitle.check(contract, act))
    assert judge(contract.history[0].decision, Contract("new"), act).refusals == ()
