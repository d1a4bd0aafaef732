"""Texts and identities are read by who may, as they are now, and forgotten in one act."""

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.values import Audience
from infra import vault
from infra.accounts import Role
from infra.append import Write, append
from infra.database import cursor

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
    unknown = {"text": str(uuid.uuid4()), "digest": "00"}
    assert vault.render([unknown], reader=None) == ["[texte effacé]"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["text", "a"]), inner),
    )
)
def test_what_holds_no_reference_is_rendered_as_it_is(value):
    assert vault.render(value, reader=None) == value


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
