"""Types describe themselves; one added at run time needs no other change."""

import re
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge, Le, MaxLen
from openapi_spec_validator import validate

from api.http.sentences import FRENCH
from api.resources.forms import KINDS, form_of
from api.resources.words import FIELDS
from domain.catalogue import catalogue
from domain.chapters.plenaries import PromotionTooShort
from domain.kernel.act import Body
from domain.kernel.days import Day
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from domain.kernel.values import Amount, PersonId, RestrictedText, ServiceId, Term, Text, Title
from tests.api.conftest import problem

KNOWN_KINDS = {*KINDS.values(), "boolean", "choice", "date", "group", "integer", "number"}


def fields_of(form):
    for field in form:
        yield field
        yield from fields_of(field.get("fields", []))


def test_every_field_of_the_catalogue_has_a_name_in_both_languages():
    named = {field["name"] for kind in catalogue().values() for field in fields_of(form_of(kind))}
    assert named - FIELDS.keys() == set()
    assert FIELDS.keys() - named == set()


_CODES = re.compile(r'(?:PydanticCustomError|_refuse|FieldError)\(\s*(?:[\w"/]+,\s*)?"(\w+)",')


def test_every_fault_that_is_named_has_a_french_sentence():
    """The codes of pydantic itself are asked for in test_bad_input."""
    top = Path(__file__).parents[2]
    # What only files can have wrong is told by the command that imports them.
    ours = [*top.glob("infra/*.py"), *top.glob("infra/recording/*.py")]
    sources = [*top.glob("domain/**/*.py"), *ours]
    codes = {code for source in sources for code in _CODES.findall(source.read_text("utf-8"))}
    assert {"amount", "self_crossing", "unknown_person"} <= codes
    assert codes - FRENCH.keys() - {"text_in_clear", "idempotency_key"} == set()


def test_every_field_of_the_catalogue_is_of_a_kind_that_can_be_asked_for():
    for kind in catalogue().values():
        for field in fields_of(form_of(kind)):
            assert field["kind"] in KNOWN_KINDS, (kind.slug, field)
            if field["kind"] == "choice":
                assert field["choices"]


def test_a_form_says_what_to_ask_for():
    form = {field["name"]: field for field in form_of(catalogue()["need-expressed"])}
    assert list(form)[:2] == ["need", "title"]
    assert form["theme"]["refers_to"] == "themes"
    assert form["text"]["kind"] == "restricted-text"
    assert form["text"]["required"] is True
    assert form["plenary"]["required"] is False
    assert form["title"]["max_length"] == 120
    point = {field["name"]: field for field in form["point"]["fields"]}
    assert point["longitude"]["minimum"] == 5.95
    origins = {choice["value"]: choice["label"]["fr"] for choice in form["origin"]["choices"]}
    assert origins["written"] == "contribution écrite"
    seats = form_of(catalogue()["commission-constituted"])[0]
    assert seats["many"] is True
    assert seats["kind"] == "group"
    assert seats["min_items"] == 1


def test_types_are_described_with_their_rules(database, anybody):
    listed = anybody.get("/api/v1/decision-types")
    every = {each["type"]: each for each in listed.json()["results"]}
    assert list(every) == list(catalogue())
    one = anybody.get("/api/v1/decision-types/plenary-held")
    assert one.json() == every["plenary-held"]
    rules = {rule["rule"]: rule for rule in one.json()["rules"]}
    assert rules["promotion-too-short"]["departable"] is True
    assert "{lasted}" in rules["promotion-too-short"]["sentence"]["fr"]
    assert one.json()["schema"]["properties"]["plenary"]
    assert one.json()["bodies"] == [
        {"body": "plenary", "name": {"fr": "Conférence de quartier", "en": "Plenary"}}
    ]
    again = anybody.get("/api/v1/decision-types", **{"If-None-Match": listed["ETag"]})
    assert again.status_code == 304
    problem(anybody.get("/api/v1/decision-types/nothing"), 404, "not-found")


# --- What can be decided ------------------------------------------------------------------------


def possibilities(asking, **query):
    answer = asking.get("/api/v1/contracts/paquis/decisions", query)
    assert answer.status_code == 200
    return {each["type"]: each for each in answer.json()["results"]}


def test_what_can_be_decided_follows_the_contract(paquis, anybody):
    before = possibilities(anybody)
    assert list(before) == list(catalogue())
    assert before["promotion-started"]["permitted"] is True
    assert before["promotion-started"]["findings"] == []
    assert before["promotion-activity-held"]["permitted"] is False
    (finding,) = before["promotion-activity-held"]["findings"]
    assert finding["rule"] == "promotion-not-started"
    paquis.decide("promotion-started", {"audiences": ["Tous"]})
    after = possibilities(anybody)
    assert after["promotion-started"]["permitted"] is False
    assert after["promotion-activity-held"]["permitted"] is True


def test_a_departable_rule_stands_in_the_way_but_does_not_bar(paquis, anybody):
    held = possibilities(anybody)["plenary-held"]
    departable = {finding["rule"] for finding in held["findings"] if finding["departable"]}
    assert "municipal-council-not-informed" in departable
    assert held["permitted"] is False


def test_what_can_be_decided_depends_on_the_body(paquis, anybody):
    proposed = possibilities(anybody)["action-proposed"]
    assert {each["body"] for each in proposed["bodies"]} == {
        "commission",
        "plenary",
        "service",
        "working_group",
    }


def test_what_could_be_decided_on_another_day(paquis, anybody):
    then = possibilities(anybody, decided_on="2014-02-01")["promotion-started"]
    assert "decided-before-the-contract" in {finding["rule"] for finding in then["findings"]}


def test_an_unknown_contract_has_no_possibilities(database, anybody):
    problem(anybody.get("/api/v1/contracts/nowhere/decisions"), 404, "not-found")


# --- A type added at run time -------------------------------------------------------------------


class Weather(Term):
    SUN = "sun", "soleil", "sun"
    RAIN = "rain", "pluie", "rain"


class RainForbidden(Rule, basis="4.1"):
    """A party is held when it is dry."""

    fr = "La fête du {date} tombe sous la pluie."
    en = "The party of {date} falls into the rain."


@pytest.fixture
def street_party(monkeypatch):
    """A decision type that nobody has heard of; gone afterwards."""
    monkeypatch.setattr(Decision, "registry", dict(Decision.registry))

    class StreetPartyHeld(Decision, taken_by={Body.COMMISSION, Body.COMMUNITY_UNIT}, basis="4.1"):
        """The neighbourhood celebrates."""

        fr = "Fête de rue tenue"

        title: Title
        date: Day
        host: ServiceId
        helpers: Annotated[tuple[PersonId, ...], MaxLen(5)] = ()
        weather: Weather = Weather.SUN
        cost: Amount | None = None
        guests: Annotated[int, Ge(0), Le(5000)] = 0
        told: Text
        complaints: RestrictedText | None = None

        def judge(self, contract, act) -> "Iterator[RainForbidden]":  # noqa: F821
            if self.weather is Weather.RAIN:
                yield RainForbidden(date=self.date)

    StreetPartyHeld.rules = classmethod(lambda _: (PromotionTooShort, RainForbidden))
    return StreetPartyHeld


PARTY = {
    "title": "Fête des Pâquis",
    "date": "2014-06-21",
    "host": "jeunesse",
    "told": "Belle fête.",
}


def test_a_new_type_has_its_address_at_once(street_party, paquis, anybody):
    answer = paquis.decide("street-party-held", PARTY, body="community_unit")
    assert answer.status_code == 201, answer.content
    assert answer.json()["data"] == PARTY | {"helpers": [], "weather": "sun", "guests": 0}
    assert anybody.get("/api/v1/events/3").json()["type"] == "street-party-held"
    assert anybody.get("/api/v1/contracts/paquis/history").json()["results"][-1]["name"] == {
        "fr": "Fête de rue tenue",
        "en": "Street party held",
    }
    rain = paquis.decide("street-party-held", PARTY | {"weather": "rain"}, body="commission")
    assert problem(rain, 409, "rules")["findings"][0]["message"] == (
        "La fête du 21 juin 2014 tombe sous la pluie."
    )
    wrong = paquis.decide("street-party-held", {"cost": 5}, body="commission")
    pointers = {error["pointer"] for error in problem(wrong, 422, "fields")["errors"]}
    assert pointers == {"/data/title", "/data/date", "/data/host", "/data/told", "/data/cost"}


def test_a_new_type_describes_itself(street_party, database, anybody):
    described = anybody.get("/api/v1/decision-types/street-party-held").json()
    assert described["name"] == {"fr": "Fête de rue tenue", "en": "Street party held"}
    assert described["about"] == "The neighbourhood celebrates."
    assert [rule["rule"] for rule in described["rules"]] == [
        "promotion-too-short",
        "rain-forbidden",
    ]
    form = {field["name"]: field for field in described["form"]}
    assert form["host"]["kind"] == "key"
    assert form["helpers"] | {"label": None} == {
        "name": "helpers",
        "label": None,
        "kind": "person",
        "refers_to": "persons",
        "required": False,
        "many": True,
        "max_items": 5,
        "pattern": form["helpers"]["pattern"],
    }
    assert form["weather"]["default"] == "sun"
    assert form["guests"] | {"label": None} == {
        "name": "guests",
        "label": None,
        "kind": "integer",
        "required": False,
        "many": False,
        "default": 0,
        "minimum": 0,
        "maximum": 5000,
    }
    assert described["schema"]["required"] == ["title", "date", "host", "told"]


def test_a_new_type_can_be_decided(street_party, paquis, anybody):
    assert possibilities(anybody)["street-party-held"]["permitted"] is True


def test_a_new_type_is_in_the_schema_and_in_the_golden_files(street_party, database, anybody):
    from api.openapi.golden import golden_files  # noqa: PLC0415 - needs settings

    document = anybody.get("/api/schema").json()
    path = document["paths"]["/api/v1/contracts/{contract}/decisions/street-party-held"]["post"]
    assert path["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/SentStreetPartyHeld"
    }
    departures = document["components"]["schemas"]["SentStreetPartyHeld"]["properties"][
        "departures"
    ]
    assert set(departures["properties"]) == {"promotion-too-short"}
    validate(document)
    files = golden_files()
    assert "Fête de rue tenue" in files["docs/catalogue.md"].decode()
    assert '"street-party-held"' in files["tests/golden/event-schemas.json"].decode()


def test_without_it_everything_is_as_before(database, anybody):
    assert "street-party-held" not in anybody.get("/api/schema").content.decode()
    problem(anybody.get("/api/v1/decision-types/street-party-held"), 404, "not-found")
