"""A decision as it is written down: its names, its schema versions, its canonical bytes."""

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.chapters.corrections import DecisionRectified
from domain.chapters.initiation import ContractInitiated, PerimeterSet
from domain.kernel.act import Evidence
from domain.kernel.canonical import canonical
from domain.kernel.decision import UnknownDecisionType, decision_type
from domain.kernel.payload import NewerSchema, content_of, read, write
from tests.domain.given import parse, text_ref, told
from tests.domain.stages import CLOSED, INITIATED, SETS_PERIMETER

INITIATION = told(*INITIATED).history[0]


def test_the_payload_is_canonical_json():
    text = text_ref("Les besoins dépassent les simples mesures techniques.")
    assert (
        write(INITIATION.decision, INITIATION.act)
        == (
            '{"data":{"framework":"cadre-2014","ground":"city_initiative",'
            f'"justification":{{"digest":"{text.digest}","text":"{text.text}"}},'
            '"territory":"Essai","title":"Contrat de quartier d\'essai"}}'
        ).encode()
    )


def test_evidence_and_departures_are_stored_beside_the_fields():
    evidence = Evidence(title="Procès-verbal", reference="PV 3", illustrative=True)
    taken = replace(INITIATED[0], departing=("framework-superseded",))
    act = replace(taken.act, evidence=(evidence,))
    content = json.loads(write(INITIATION.decision, act))
    assert content["evidence"] == [
        {"title": "Procès-verbal", "reference": "PV 3", "illustrative": True}
    ]
    assert set(content["departures"]["framework-superseded"]) == {"text", "digest"}
    read_back = read("contract-initiated", 1, json.dumps(content))
    assert read_back.evidence == (evidence,)
    assert read_back.departures == act.departures


def test_a_whole_history_reads_back_equal():
    for recorded in told(*CLOSED).history:
        payload = write(recorded.decision, recorded.act)
        kind = type(recorded.decision)
        content = read(kind.slug, kind.schema_version, payload)
        assert content.data == recorded.decision
        assert dict(content.departures) == dict(recorded.act.departures)


@pytest.mark.parametrize(
    "name", ["", "nothing", "Nothing", "PERIMETER-SET", "perimeterSet", "judge"]
)
def test_the_registry_is_closed(name):
    with pytest.raises(UnknownDecisionType):
        decision_type(name)
    with pytest.raises(UnknownDecisionType):
        read(name, 1, "{}")


def test_a_stored_perimeter_is_not_judged_again():
    """A perimeter was valid when it was recorded; a stricter validation does not refuse history."""
    crossing = [[6.15, 46.21], [6.16, 46.22], [6.16, 46.21], [6.15, 46.22], [6.15, 46.21]]
    perimeter = {"type": "Polygon", "coordinates": [crossing]}
    payload = canonical({"data": {"perimeter": perimeter, "streets": []}})
    assert read("perimeter-set", 1, payload).data.perimeter == perimeter
    for other in (None, "Polygon", [crossing]):
        with pytest.raises(ValidationError):
            read("perimeter-set", 1, canonical({"data": {"perimeter": other}}))


def test_a_type_is_found_by_its_stored_name_and_by_its_name():
    assert decision_type("perimeter-set") is decision_type("PerimeterSet") is PerimeterSet


def test_what_a_newer_program_wrote_is_not_read():
    with pytest.raises(NewerSchema, match="contract-initiated"):
        read("contract-initiated", 2, write(INITIATION.decision, INITIATION.act))


def test_a_stored_event_holds_no_text_in_clear():
    content = content_of(INITIATION.decision, INITIATION.act)
    content["data"]["justification"] = "Madame X l'a demandé."
    with pytest.raises(ValidationError) as raised:
        read("contract-initiated", 1, canonical(content))
    assert raised.value.errors()[0]["type"] == "text_in_clear"


def test_a_decision_made_in_the_program_keeps_to_its_fields():
    with pytest.raises(ValidationError):
        ContractInitiated(ground="city_initiative")
    perimeter = SETS_PERIMETER.read(told(*INITIATED))
    with pytest.raises(ValidationError, match="frozen"):
        perimeter.streets = ()


# --- History is not judged again ----------------------------------------------------------------

HIDDEN = "Un\u202e \u200btitre"


@pytest.mark.parametrize(
    ("slug", "fields"),
    [
        ("strategic-option-validated", {"subject": HIDDEN, "outcome": "validated"}),
        ("strategic-option-validated", {"subject": "\u200b", "outcome": "validated"}),
        ("municipal-council-informed", {"reference": HIDDEN, "informed_on": "9999-12-31"}),
        ("credit-published", {"action": "a1", "published_on": "0001-01-01"}),
    ],
)
def test_what_was_accepted_once_is_read_for_ever(slug, fields):
    """What would be refused today: its days, and its words."""
    evidence = [{"title": HIDDEN, "reference": HIDDEN}]
    payload = canonical({"data": fields, "evidence": evidence})
    content = read(slug, 1, payload)
    assert write(content.data, replace(INITIATION.act, evidence=content.evidence)) == payload
    sent = {**fields, "subject": HIDDEN} if "subject" in fields else fields
    if slug != "credit-published":
        with pytest.raises(ValidationError):
            parse(decision_type(slug), told(*INITIATED), **sent)


def test_a_rectification_leaves_alone_what_it_does_not_correct():
    """A field that would be refused today stays, while another one is corrected."""
    contract = copy.deepcopy(told(*CLOSED))
    first = next(r for r in contract.history if r.decision.slug == "plenary-convened")
    old = first.decision.model_copy(update={"place": HIDDEN})
    contract.history[first.position - 1] = replace(first, decision=old)
    later = {"position": first.position, "reason": "Une faute."}
    rectified = parse(DecisionRectified, contract, **later, fields={"languages": ["fr", "es"]})
    assert rectified.corrected(contract.history[first.position - 1]).decision.place == HIDDEN
    with pytest.raises(ValidationError):
        parse(DecisionRectified, contract, **later, fields={"place": f"{HIDDEN}!"})


def test_a_perimeter_may_stay_while_its_streets_are_corrected():
    """However it was recorded, and however many streets are asked about."""
    crossing = [[6.15, 46.21], [6.16, 46.22], [6.16, 46.21], [6.15, 46.22], [6.15, 46.21]]
    contract = copy.deepcopy(told(*INITIATED, SETS_PERIMETER))
    first = contract.history[-1]
    perimeter = {"type": "Polygon", "coordinates": [[*crossing[:-1] * 4_000, crossing[0]]]}
    old = first.decision.model_copy(update={"perimeter": perimeter})
    contract.history[-1] = replace(first, decision=old)
    about = {"position": first.position, "reason": "Une faute."}
    rectified = parse(DecisionRectified, contract, **about, fields={"streets": ["Rue"] * 500})
    assert rectified.fields == {"streets": ["Rue"] * 500}
    with pytest.raises(ValidationError) as raised:
        parse(DecisionRectified, contract, **about, fields={"streets": [HIDDEN] * 500})
    assert raised.value.error_count() == 500


# --- RFC 8785 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ({"longitude": 6.0, "latitude": 46.2}, '{"latitude":46.2,"longitude":6}'),
        ({"amount": "10.00", "x": [[6.0, 1.5]]}, '{"amount":"10.00","x":[[6,1.5]]}'),
        ("é\u20ac\n", '"é€\\n"'),
    ],
)
def test_one_value_has_one_way_of_being_written(value, written):
    assert canonical(value) == written.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_say_is_not_written(value):
    with pytest.raises(ValueError, match=r".+"):
        canonical({"value": value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcxyz", min_size=1), inner),
)


@hypothesis_given(json_values)
def test_canonical_bytes_read_back_and_write_the_same(value):
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)
