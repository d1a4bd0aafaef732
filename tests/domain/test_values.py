"""The small words decisions are written in, and what they refuse."""

import json
import time
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.kernel.act import Body, Evidence
from domain.kernel.characters import clean_text
from domain.kernel.rule import kebab
from domain.kernel.values import (
    KEEPER,
    Amount,
    Audience,
    Citation,
    Key,
    PersonId,
    Place,
    RestrictedText,
    Text,
    TextRef,
    Title,
)
from tests.domain.given import Keeper, person, text_ref

AMOUNT, TITLE, KEY = TypeAdapter(Amount), TypeAdapter(Title), TypeAdapter(Key)
TEXT, RESTRICTED = TypeAdapter(Text), TypeAdapter(RestrictedText)


def refuses(adapter: TypeAdapter, sent: str | bytes, **context) -> str:
    """The code of the fault found in a piece of JSON."""
    with pytest.raises(ValidationError) as raised:
        adapter.validate_json(sent, context=context or None)
    return raised.value.errors()[0]["type"]


# --- Money --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("0", "0.00"),
        ("0.5", "0.50"),
        ("1250", "1250.00"),
        ("1250.05", "1250.05"),
        ("999999999999.99", "999999999999.99"),
    ],
)
def test_an_amount_has_two_places(sent, read):
    amount = AMOUNT.validate_json(json.dumps(sent))
    assert amount == Decimal(read)
    assert AMOUNT.dump_json(amount) == json.dumps(read).encode()


@pytest.mark.parametrize(
    "sent",
    [
        '"1.005"',
        '"1."',
        '".5"',
        '"01"',
        '"1,50"',
        '"1\'000"',
        '"1 000"',
        '"-1"',
        '"+1"',
        '"-0.00"',
        '"1e3"',
        '"1e400"',
        '"NaN"',
        '"Infinity"',
        '"1000000000000"',
        '"1.00\\n"',
        '" 1"',
        '"\\u0661"',
        '""',
        "1",
        "1.5",
        "1e400",
        "-1e400",
        "NaN",
        "true",
        "null",
        "[]",
        "{}",
    ],
)
def test_what_is_not_an_amount(sent):
    assert refuses(AMOUNT, sent) == "amount"


@pytest.mark.parametrize("number", ["1E+400", "NaN", "Infinity", "-1", "1.005", "1E+12"])
def test_nor_is_a_decimal_that_cannot_be_francs(number):
    with pytest.raises(ValidationError):
        AMOUNT.validate_python(Decimal(number))


def test_a_float_is_never_an_amount():
    with pytest.raises(ValidationError):
        AMOUNT.validate_python(1.5)


@given(st.decimals(0, 10**12 - 1, places=2))
def test_amounts_read_back_as_they_were_written(amount):
    written = AMOUNT.dump_json(AMOUNT.validate_python(amount))
    assert AMOUNT.validate_json(written) == amount
    assert AMOUNT.dump_json(AMOUNT.validate_json(written)) == written


# --- Names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("", "string_too_short"),
        (" ", "blank"),
        (" a", "blank"),
        ("a ", "blank"),
        ("\u3000", "blank"),
        ("a" * 121, "string_too_long"),
        ("\u0958" * 120, "string_too_long"),
        ("a\x00b", "characters"),
        ("a\nb", "characters"),
        ("a\u2028b", "characters"),
        ("a\u202eb", "characters"),
        ("a\ue000b", "characters"),
    ],
    ids=ascii,
)
def test_what_is_not_a_title(sent, code):
    assert refuses(TITLE, json.dumps(sent)) == code


@pytest.mark.parametrize("adapter", [TITLE, TypeAdapter(Place), TypeAdapter(Citation)])
def test_a_lone_surrogate_is_no_text(adapter):
    assert refuses(adapter, b'"\\ud800"') == "json_invalid"
    with pytest.raises(ValidationError):
        adapter.validate_python("\ud800")


def test_a_title_is_composed():
    decomposed = unicodedata.normalize("NFD", "Pâquis-Sécheron")
    assert TITLE.validate_json(json.dumps(decomposed)) == "Pâquis-Sécheron"
    assert TITLE.validate_json(json.dumps("a" * 120)) == "a" * 120
    assert TITLE.validate_json('"Jardin 🌳 & «\u202fbancs\u202f»"')


@given(st.text(max_size=130))
def test_a_title_that_was_read_once_is_read_again(sent):
    """What is stored is read by the same types, so what they let through must pass again."""
    try:
        title = TITLE.validate_python(sent)
    except ValidationError:
        return
    assert TITLE.validate_json(TITLE.dump_json(title)) == title
    assert len(title) <= 120


@pytest.mark.parametrize("sent", ["a", "a1", "rue-de-berne", "0", "a" * 60])
def test_a_key(sent):
    assert KEY.validate_json(json.dumps(sent)) == sent


@pytest.mark.parametrize("sent", ["", "A", "-a", "a-", "a_b", "é", "a b", "a\n", "a" * 61, "a/b"])
def test_what_is_not_a_key(sent):
    assert refuses(KEY, json.dumps(sent)) == "string_pattern_mismatch"


@pytest.mark.parametrize(
    "sent", ["anna", "", "Anna Martin", person("anna").upper(), f"{{{person('anna')}}}"]
)
def test_a_person_is_named_by_id_and_in_no_other_way(sent):
    adapter = TypeAdapter(PersonId)
    assert adapter.validate_python(person("anna")) == person("anna")
    assert refuses(adapter, json.dumps(sent)) == "string_pattern_mismatch"


# --- Free text ----------------------------------------------------------------------------------


def test_a_text_goes_to_the_keeper_and_its_reference_stays():
    keeper = Keeper()
    assert TEXT.validate_json('"Un motif."', context={KEEPER: keeper}) == text_ref("Un motif.")
    assert RESTRICTED.validate_json('"Un vœu."', context={KEEPER: keeper}) == text_ref("Un vœu.")
    assert list(keeper.kept.values()) == [
        f"{Audience.PUBLIC}: Un motif.",
        f"{Audience.RESTRICTED}: Un vœu.",
    ]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("", "blank"),
        (" \n\t", "blank"),
        ("a\x00b", "characters"),
        ("a\x1bb", "characters"),
        ("a" * 20_001, "string_too_long"),
        (1, "string_type"),
        (None, "string_type"),
        ({"text": text_ref("x").text, "digest": text_ref("x").digest}, "string_type"),
    ],
    ids=lambda sent: ascii(sent)[:20],
)
def test_what_is_not_a_text(sent, code):
    assert refuses(TEXT, json.dumps(sent), **{KEEPER: Keeper()}) == code


def test_a_stored_event_holds_references_only():
    assert refuses(TEXT, '"Un motif."') == "text_in_clear"
    assert refuses(TEXT, '{"text": "here", "digest": "there"}') == "string_pattern_mismatch"
    reference = text_ref("Un motif.")
    assert TEXT.validate_json(reference.model_dump_json()) == reference
    assert isinstance(reference, TextRef)


def test_lines_of_a_text_stay_lines():
    assert clean_text("Un.\r\n\tDeux.") == "Un.\r\n\tDeux."
    assert clean_text(unicodedata.normalize("NFD", "é")) == "é"


# --- Evidence and terms -------------------------------------------------------------------------


def test_evidence_is_named_by_its_content():
    evidence = Evidence.model_validate_json(json.dumps({"sha256": "ab" * 32, "title": "PV"}))
    assert evidence.sha256 == "ab" * 32
    for wrong in ("AB" * 32, "ab", "ab" * 33, ""):
        with pytest.raises(ValidationError):
            Evidence(sha256=wrong, title="PV")


def test_a_term_is_its_stored_value_with_a_name_in_both_languages():
    assert Body("plenary") is Body.PLENARY
    assert f"{Body.PLENARY}" == Body.PLENARY.value == "plenary"
    assert Body.PLENARY.label.to("fr") == "Conférence de quartier"
    assert Body.PLENARY.label.to("en") == "Plenary"


@pytest.mark.parametrize(
    ("name", "slug"), [("PerimeterSet", "perimeter-set"), ("CreditVoted", "credit-voted")]
)
def test_a_slug_is_a_name_in_kebab_case(name, slug):
    assert kebab(name) == slug


def test_ten_megabytes_of_title_are_refused_at_once():
    sent = json.dumps("a" * 10_000_000)
    began = time.perf_counter()
    assert refuses(TITLE, sent) == "string_too_long"
    assert time.perf_counter() - began < 2
