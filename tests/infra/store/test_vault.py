"""Texts and identities are read by who may, as they are now, and forgotten in one act."""

import hashlib
import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.canonical import canonical
from domain.kernel.values import Audience, TextRef
from infra import vault
from infra.accounts import Role
from infra.database.connection import cursor
from infra.eventstore.append import Write, append

TRUSTED = {Role.COORDINATOR, Role.AUDITOR, Role.ADMIN}


@pytest.fixture
def kept():
    """A text for everyone and a restricted one, as an event refers to them."""
    keeper = vault.Keeper("paquis")
    open_text = keeper.keep("Pour tous", Audience.PUBLIC).model_dump()
    restricted = keeper.keep("Pour quelques-uns", Audience.RESTRICTED).model_dump()
    append(Write([], keeper.texts))
    return open_text, restricted


def test_a_reference_is_the_digest_of_salt_and_text(kept):
    for reference in kept:
        salt, content = (
            cursor()
            .execute("SELECT salt, content FROM vault_text WHERE id = %s", [reference["text"]])
            .fetchone()
        )
        assert len(salt) == 16
        assert hashlib.sha256(salt + content.encode()).hexdigest() == reference["digest"]


def test_equal_texts_have_unequal_references():
    keeper = vault.Keeper("paquis")
    one, other = (keeper.keep("oui", Audience.PUBLIC) for _ in range(2))
    assert one.text != other.text
    assert one.digest != other.digest


@pytest.mark.parametrize("reader", [None, *Role])
def test_a_restricted_text_is_read_by_those_who_may(kept, reader):
    value = {"reason": kept[0], "list": [kept[1], {"deeper": (kept[1], 5)}], "amount": "1.00"}
    shown = "Pour quelques-uns" if reader in TRUSTED else "[réservé]"
    assert vault.render(value, reader=reader) == {
        "reason": "Pour tous",
        "list": [shown, {"deeper": [shown, 5]}],
        "amount": "1.00",
    }


def test_markers_are_in_the_reader_s_language(kept):
    vault.erase_text(kept[0]["text"])
    assert vault.render(kept, reader=None, language="en") == ["[text erased]", "[restricted]"]
    assert vault.render(kept, reader=Role.AUDITOR) == ["[texte effacé]", "Pour quelques-uns"]


def test_an_erased_text_leaves_neither_salt_nor_content(kept):
    vault.erase_text(kept[1]["text"])
    row = cursor().execute("SELECT salt, content FROM vault_text WHERE id = %s", [kept[1]["text"]])
    assert row.fetchone() == (None, None)


def test_a_reference_that_was_never_given_out_reads_as_erased():
    unknown = {"text": str(uuid.uuid4()), "digest": "00" * 32}
    assert vault.render([unknown], reader=None) == ["[texte effacé]"]


@pytest.mark.parametrize(
    "write",
    [
        lambda reference: reference.model_dump_json().encode(),
        lambda reference: orjson.dumps(reference.model_dump()),
        lambda reference: canonical(reference.model_dump()),
    ],
    ids=["pydantic", "orjson", "canonical"],
)
def test_a_reference_is_found_whoever_wrote_it(kept, write):
    assert vault.render_json(write(TextRef(**kept[0])), reader=None) == b'"Pour tous"'


def test_what_is_almost_a_reference_is_left_as_it_is(kept):
    almost = [
        {"text": kept[0]["text"]},
        {**kept[0], "more": 1},
        {**kept[0], "digest": "00"},
        {"text": [kept[0]["text"]], "digest": kept[0]["digest"]},
        kept[0]["text"],
        orjson.dumps(kept[0]).decode(),
        {orjson.dumps(kept[0]).decode(): "{"},
    ]
    assert vault.render(almost, reader=Role.ADMIN) == almost


def test_texts_are_read_in_one_query_and_in_none_if_they_were_just_kept(kept, monkeypatch):
    asked = []
    monkeypatch.setattr(vault, "cursor", lambda: asked.append(1) or cursor())
    written, as_read = orjson.dumps(kept * 3), ["Pour tous", "Pour quelques-uns"] * 3
    assert orjson.loads(vault.render_json(written, reader=Role.AUDITOR)) == as_read
    assert len(asked) == 1

    keeper = vault.Keeper("paquis")
    new = keeper.keep("À l'instant", Audience.PUBLIC).model_dump_json().encode()
    answer = vault.render_json(new, reader=None, just_kept=keeper.texts)
    assert answer == '"À l\'instant"'.encode()
    assert vault.render_json(b'{"text":1}', reader=None) == b'{"text":1}'
    assert len(asked) == 1


PIECES = ["{", "}", '"', "\\", ",", ":", "text", "digest", '{"text":"', '","digest":"', "é"]

contents = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@st.composite
def json_values(draw, references):
    """A JSON value with these references anywhere in it, and strings that look like them."""
    pieces = [orjson.dumps(reference).decode() for reference in references]
    pieces += [part for reference in references for part in reference.values()]
    strings = st.text() | st.lists(st.sampled_from(PIECES + pieces)).map("".join)
    backwards = [dict(reversed(reference.items())) for reference in references]
    numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    return draw(
        st.recursive(
            st.sampled_from(references + backwards) | strings | numbers | st.none(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(strings | st.sampled_from(["text", "digest"]), inner)
            ),
        )
    )


def replaced(value, references, read):
    """What `render` says that it makes of a value, by walking all of it."""
    match value:
        case dict() if value in references:
            return read[references.index(value)]
        case dict():
            return {key: replaced(each, references, read) for key, each in value.items()}
        case list():
            return [replaced(each, references, read) for each in value]
        case _:
            return value


@given(
    texts=st.lists(
        st.tuples(contents, st.sampled_from(Audience), st.booleans()), min_size=1, max_size=5
    ),
    reader=st.sampled_from([None, *Role]),
    data=st.data(),
)
def test_references_are_replaced_wherever_they_are_and_nothing_else_is(texts, reader, data):
    """What is written, with each reference replaced, is what the value would be, written."""
    keeper, references, read = vault.Keeper("paquis"), [], []
    for content, audience, _ in texts:
        references.append(keeper.keep(content, audience).model_dump())
    append(Write([], keeper.texts))
    for reference, (content, audience, erased) in zip(references, texts, strict=True):
        if erased:
            vault.erase_text(reference["text"])
            read.append("[texte effacé]")
        else:
            may_read = audience is Audience.PUBLIC or reader in TRUSTED
            read.append(content if may_read else "[réservé]")

    value = data.draw(json_values(references))
    expected = replaced(value, references, read)
    assert vault.render_json(orjson.dumps(value), reader=reader) == orjson.dumps(expected)
    assert vault.render(value, reader=reader) == expected


# --- Persons ------------------------------------------------------------------------------------


def test_an_identity_is_kept_under_an_id_and_forgotten():
    person = vault.add_person("Somebody Made-Up", "somewhere", by="test")
    assert vault.person(person) == vault.Person(person, "Somebody Made-Up", "somewhere")
    vault.erase_person(person)
    assert vault.person(person) == vault.Person(person, None, None)
    assert set(vault.known_persons([person])) == {person}
    assert vault.person(str(uuid.uuid4())) is None
    assert vault.persons([]) == {}


def test_an_id_of_the_caller_s_own_names_one_person():
    own = str(uuid.uuid4())
    assert vault.add_person("First", by="test", person_id=own) == own
    assert vault.add_person("Second", by="test", person_id=own) == own
    assert vault.person(own).name == "First"


def test_ids_known_to_be_known_are_not_looked_up_again(monkeypatch):
    person = vault.add_person("Somebody", by="test")
    unknown = str(uuid.uuid4())
    assert set(vault.known_persons([person, unknown])) == {person}
    monkeypatch.setattr(vault, "cursor", None)
    assert set(vault.known_persons([person])) == {person}
    with pytest.raises(TypeError):
        vault.known_persons([unknown])
