"""The vault: free texts and identities, which events hold by reference only.

An event says `{"text": <id>, "digest": <hex of SHA-256(salt || text)>}` where somebody wrote a
text, and a person's id where somebody is named. What they stand for is joined when an answer is
rendered, for the reader who asks and as the vault is at that moment: erasing here is effective
everywhere at once, and the history still verifies.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from django.db import connection

from domain.kernel.values import Audience, Bilingual, TextRef
from infra.accounts import Role
from infra.database.connection import cursor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from domain.kernel.values import ContractId, Language, PersonId

ERASED = Bilingual("[texte effacé]", "[text erased]")
RESTRICTED = Bilingual("[réservé]", "[restricted]")
ERASED_PERSON = Bilingual("[identité effacée]", "[identity erased]")

READS_RESTRICTED = frozenset({Role.COORDINATOR, Role.AUDITOR, Role.ADMIN})
"""Roles that may read restricted texts, and who a person is."""

SALT_BYTES = 16

PERSONS_REMEMBERED = 100_000
"""Ids that are known to be known, in memory; forgotten all at once beyond that."""

_REFERENCE = re.compile(
    rb'(\{"(?:text":"[0-9a-f-]{36}","digest":"[0-9a-f]{64}'
    rb'|digest":"[0-9a-f]{64}","text":"[0-9a-f-]{36})"\})'
)
"""A `TextRef` in JSON without spaces: its keys as a model writes them, or as canonical JSON does.

Never a part of a string, where a quote has a backslash before it; nor does it begin with the last
quote of one, which no letter follows.
"""


def may_read_restricted(reader: Role | None) -> bool:
    """Whether a reader of this role (None: anybody) may read restricted texts and identities."""
    return reader in READS_RESTRICTED


# --- Texts --------------------------------------------------------------------------------------


def digest(salt: bytes, content: str) -> str:
    """What an event says of a text: hex of SHA-256 over the salt, then the text in UTF-8."""
    return hashlib.sha256(salt + content.encode()).hexdigest()


class Keeper:
    """Takes the free texts of one decision, to be written in one transaction with its event."""

    __slots__ = ("contract", "texts")

    def __init__(self, contract: ContractId) -> None:
        self.contract = contract
        self.texts: list[dict[str, str]] = []

    def keep(self, text: str, audience: Audience) -> TextRef:
        """A reference to the text under a new id, with a salt of its own."""
        salt = os.urandom(SALT_BYTES)
        reference = TextRef(text=str(uuid.uuid4()), digest=digest(salt, text))
        self.texts.append(
            {
                "id": reference.text,
                "contract": self.contract,
                "audience": audience.value,
                "salt": salt.hex(),
                "content": text,
            }
        )
        return reference


def texts(ids: Iterable[str], *, reader: Role | None, language: Language = "fr") -> dict[str, str]:
    """What each id stands for, to this reader: the text, or a marker in its place.

    Args:
        ids: of texts; one that was never given out reads as erased.
        reader: the role of the account that asks; None for anybody.
        language: of the markers.
    """
    wanted = set(ids)
    if not wanted:
        return {}
    # As one string: of a list, psycopg would quote each item in Python.
    rows = cursor().execute(
        "SELECT id::text, audience, content FROM vault_text WHERE id = ANY(%s::uuid[])",
        [f"{{{','.join(wanted)}}}"],
    )
    return dict.fromkeys(wanted, ERASED.to(language)) | _shown(rows, reader, language)


def _shown(
    rows: Iterable[tuple[str, str, str | None]], reader: Role | None, language: Language
) -> dict[str, str]:
    """Rows of id, audience and content, as this reader may read them."""
    trusted = may_read_restricted(reader)
    return {
        text_id: content
        if trusted or audience == Audience.PUBLIC.value
        else RESTRICTED.to(language)
        for text_id, audience, content in rows
        if content is not None
    }


def render_json(
    written: bytes,
    *,
    reader: Role | None,
    language: Language = "fr",
    just_kept: Collection[dict[str, str]] = (),
) -> bytes:
    """JSON with the text in the place of each reference, as this reader may read it.

    It must have no spaces between its tokens, for it is not parsed. One query, however many
    references; none for texts that were `just_kept` by a keeper of this thread.
    """
    parts = _REFERENCE.split(written)
    ids = [reference["text"] for reference in _listed(parts[1::2])]
    if not ids:
        return written
    kept = ((text["id"], text["audience"], text["content"]) for text in just_kept)
    read = _shown(kept, reader, language)
    read |= texts(set(ids) - read.keys(), reader=reader, language=language)
    strings = {text_id: orjson.dumps(text) for text_id, text in read.items()}
    parts[1::2] = [strings[text_id] for text_id in ids]
    return b"".join(parts)


def render(value: Any, *, reader: Role | None, language: Language = "fr") -> Any:
    """A JSON value with the text in the place of each reference, as of `render_json`."""
    return orjson.loads(render_json(orjson.dumps(value), reader=reader, language=language))


def references(value: Any) -> list[dict[str, str]]:
    """Every reference to a text in a JSON value: `{"text": <id>, "digest": <hex>}`."""
    return references_in(orjson.dumps(value))


def references_in(written: bytes) -> list[dict[str, str]]:
    """The same in JSON that has no spaces between its tokens."""
    return _listed(_REFERENCE.findall(written))


def _listed(written: Iterable[bytes]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = orjson.loads(b"[" + b",".join(written) + b"]")
    return found


def erase_text(text_id: str) -> None:
    """Forget a text, with its salt: what is left cannot be guessed at by hashing."""
    cursor().execute("UPDATE vault_text SET content = NULL, salt = NULL WHERE id = %s", [text_id])


# --- Persons ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """An identity; `name` is None once it is erased."""

    id: PersonId
    name: str | None
    contact: str | None


def add_person(
    name: str | None, contact: str | None = None, *, by: str, person_id: PersonId | None = None
) -> PersonId:
    """Keep an identity; the id under which decisions name it.

    Args:
        name: as it was given, checked by the caller; None if a file brings nobody's name.
        contact: an address, a number; None if there is none.
        by: the account that gave it.
        person_id: an id of the caller's own, so that a file imported twice names one person;
            if it is known already, what is kept under it stays as it is.
    """
    kept = person_id or str(uuid.uuid4())
    add_persons([{"id": kept, "name": name, "contact": contact, "created_by": by}])
    return kept


def add_persons(given: Sequence[dict[str, Any] | orjson.Fragment]) -> None:
    """Keep several identities in one statement, each `{"id", "name", "contact", "created_by"}`.

    What is kept under an id that is known stays as it is.
    """
    cursor().execute(
        "INSERT INTO vault_person (id, name, contact, created_by)"
        " SELECT id, name, contact, created_by FROM json_to_recordset(%s::json)"
        " AS given (id uuid, name text, contact text, created_by text)"
        " ON CONFLICT (id) DO NOTHING",
        [orjson.dumps(given).decode()],
    )


def person(person_id: PersonId) -> Person | None:
    """The identity of that id; None if there never was one. Asks no permission: the caller does."""
    return persons([person_id]).get(person_id)


def persons(ids: Collection[PersonId]) -> dict[PersonId, Person]:
    """The identities of these ids, those that there are."""
    if not ids:
        return {}
    rows = cursor().execute(
        "SELECT id::text, name, contact FROM vault_person WHERE id = ANY(%s::uuid[])", [list(ids)]
    )
    return {person_id: Person(person_id, name, contact) for person_id, name, contact in rows}


def known_persons(ids: Collection[PersonId]) -> Collection[PersonId]:
    """Those of these ids that were given out. An id once known stays known, so it is remembered."""
    database = str(connection.settings_dict["NAME"])
    unsure = [person_id for person_id in ids if (database, person_id) not in _known]
    if not unsure:
        return ids
    rows = cursor().execute(
        "SELECT id::text FROM vault_person WHERE id = ANY(%s::uuid[])", [unsure]
    )
    known = {person_id for (person_id,) in rows}
    if not connection.in_atomic_block:
        if len(_known) > PERSONS_REMEMBERED:
            _known.clear()
        _known.update((database, person_id) for person_id in known)
    return known | (set(ids) - set(unsure))


_known: set[tuple[str, PersonId]] = set()


def erase_person(person_id: PersonId) -> None:
    """Forget who somebody is; the id stays known, so that decisions which name it still read."""
    cursor().execute(
        "UPDATE vault_person SET name = NULL, contact = NULL WHERE id = %s", [person_id]
    )
