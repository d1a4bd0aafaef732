"""What people are to read can be seen, and reads as it is written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from domain.kernel.characters import clean_line, clean_name, clean_text, line_from

HIDDEN = {
    "nothing": "",
    "spaces": " \u00a0\u3000",
    "a zero width space": "\u200b",
    "a joiner": "\u200d",
    "a soft hyphen": "\u00ad",
    "a byte order mark": "\ufeff",
    "a word joiner": "\u2060",
    "direction marks": "\u200e\u200f\u061c",
    "isolates": "\u2066\u2069",
    "an invisible times": "\u2062",
    "tags": "\U000e0041\U000e007f",
    "a variation selector": "\ufe0f",
    "a mark on nothing": "\u0301",
    "a grapheme joiner": "\u034f",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "Khmer inherent vowels": "\u17b4\u17b5",
    "an empty Braille pattern": "\u2800",
    "a Mongolian separator": "\u180e",
    "no character at all": "\ufdd0",
}


def refused(check, *sent) -> str:
    with pytest.raises(PydanticCustomError) as raised:
        check(*sent)
    return raised.value.type


@pytest.mark.parametrize("sent", HIDDEN.values(), ids=HIDDEN)
def test_what_cannot_be_seen_is_no_text(sent):
    assert refused(clean_text, sent) in {"blank", "characters"}
    assert refused(clean_line, sent, 120) in {"blank", "characters"}
    assert refused(clean_name, sent) in {"blank", "characters"}
    assert line_from(sent, 120) == ""


@pytest.mark.parametrize(
    "hidden",
    "\u200b\u200c\u200e\u202a\u202e\u2060\u2066\u2069\u00ad\ufeff\u034f\u3164\n\r\t\x00\x85"
    "\u2028\u2029\ue000\U000e0041\ufffe",
    ids=ascii,
)
def test_a_line_hides_nothing(hidden):
    """A joiner has something on both sides to join."""
    assert refused(clean_line, f"Pâ {hidden} quis", 120) == "characters"
    assert refused(clean_line, f"Pâquis{hidden}", 120) in {"characters", "blank"}


@pytest.mark.parametrize("override", "\u202a\u202b\u202c\u202d\u202e", ids=ascii)
def test_nothing_overrides_the_direction_of_a_text(override):
    assert refused(clean_text, f"Oui.\n{override}Non.") == "characters"


@pytest.mark.parametrize(
    "line",
    [
        "L'Œuvre, « bancs\u202f» & jardins",
        "می\u200cخواهم",
        "👩\u200d🔧 ❤\ufe0f\u200d🔥 🇨🇭",
        "क\u094d\u200dष",
        "٣\u06dd",
        "한국어",
        "?",
        "\U0001fbf0",
    ],
)
def test_what_people_write_is_a_line_and_a_text(line):
    assert clean_line(line, 120) == clean_name(line) == line
    assert clean_text(line) == line


def test_a_text_has_lines_and_whatever_was_pasted_in():
    pasted = "Un.\r\n\t\uf0b7 Deux.\u00ad\n\u2067שלום\u2069"
    assert clean_text(pasted) == pasted


def test_a_name_has_no_spaces_around_it_and_one_line():
    assert clean_name("  Anna Muster ") == "Anna Muster"
    assert refused(clean_name, "A\nB") == "characters"
    assert refused(clean_name, "A\u202eB") == "characters"
    assert refused(clean_name, "A" * 201) == "string_too_long"


@given(st.text(), st.sampled_from([clean_text, lambda sent: clean_line(sent, 120), clean_name]))
def test_what_passes_passes_again(sent, check):
    try:
        read = check(sent)
    except PydanticCustomError:
        return
    assert check(read) == read
    assert unicodedata.is_normalized("NFC", read)


# --- Lines made of names ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("PV 3.pdf", "PV 3.pdf"),
        (f"{'Procès-verbal ' * 20}.pdf", f"{'Procès-verbal ' * 8}Pro….pdf"),
        ("a" * 200, "a" * 119 + "…"),
        ("." + "a" * 200, "." + "a" * 118 + "…"),
        (f"a.{'b' * 200}", f"a.{'b' * 117}…"),
        ("A\u202eB\n\u200b C\t.pdf", "AB C .pdf"),
        ("\u00a0x\u2028", "x"),
    ],
)
def test_a_line_is_made_of_any_name(name, line):
    assert line_from(name, 120) == line


@given(st.text(max_size=300))
def test_a_line_made_of_a_name_is_one(name):
    line = line_from(name, 120)
    assert line == "" or clean_line(line, 120) == line
