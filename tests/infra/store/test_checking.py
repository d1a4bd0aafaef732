"""What was made of the events is compared with them: requests, texts, read models."""

import pytest

from infra.audit import checking, integrity
from infra.audit.checking import findings
from infra.database.connection import cursor
from infra.eventstore.source import StoredEvents
from projections.catalogue import PROJECTIONS
from projections.engine.rebuild import rebuild
from tests.infra.store.acts import begin, choose, decide

NEED = {
    "need": "banc",
    "title": "Des bancs",
    "origin": "promotion",
    "theme": "espace-public",
    "text": "Asseyez-vous avec moi, monsieur.",
}


def found():
    """The faults, by check."""
    return [(each.check, each.message) for each in findings() if not each.warning]


def warned():
    return [each.message for each in findings() if each.warning]


def text_of(position, place="payload -> 'data' ->> 'remarks'"):
    query = f"SELECT ({place})::json ->> 'text' FROM event WHERE position = %s"
    return cursor().execute(query, [position]).fetchone()[0]


# --- Events -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harm", "check", "said"),
    [
        ("type = 'os.system'", "events", "os.system) cannot be read: no decision type of that"),
        ("schema = 9", "events", "cannot be read: strategic-option-validated was stored under"),
        ("payload = '{\"data\": {}}'", "events", "cannot be read: data/"),
        ("payload = '[]'", "events", "cannot be read: its payload: "),
        ("body = 'king'", "events", "cannot be read: 'king' is not known"),
        ("version = 9", "order", "paquis is at version 9 with 3 events."),
    ],
)
def test_what_is_wrong_with_an_event_is_said_and_the_rest_is_checked(altering, harm, check, said):
    for contract in ("grottes", "paquis", "servette"):
        begin(contract)
        choose(contract)
    choose("paquis")
    rebuild(StoredEvents(), PROJECTIONS.values())
    altering(f"UPDATE event SET {harm} WHERE contract = 'paquis' AND version = 2")
    altering("UPDATE event SET schema = 9 WHERE contract = 'servette' AND version = 1")
    cursor().execute("UPDATE view_document_rows SET document = '{}' WHERE contract = 'grottes'")
    by_contract = {name: [] for name in ("grottes", "paquis", "servette")}
    for each in found():
        by_contract[next(name for name in by_contract if name in each[1])].append(each)
    assert {where for where, _ in by_contract["grottes"]} == {"read-models"}
    assert any(where == check and said in what for where, what in by_contract["paquis"])
    assert by_contract["servette"] == [
        (
            "events",
            (
                "Event 5 (servette, version 1, contract-initiated) cannot be read: "
                "contract-initiated was stored under schema 9, known is 1."
            ),
        ),
        ("read-models", "servette is not compared: event 5 cannot be read."),
    ]


@pytest.mark.parametrize("fields", ['{"remarks": 7}', '{"remarks": 99999999999999999999}'])
def test_a_correction_that_cannot_be_followed_is_said_and_the_rest_is_checked(altering, fields):
    for contract in ("grottes", "paquis", "servette"):
        begin(contract)
        choose(contract)
    correction = {"position": 4, "reason": "Erreur.", "fields": {"subject": "Zone 20"}}
    decide("decision-rectified", data=correction, body="steering_committee")
    rebuild(StoredEvents(), PROJECTIONS.values())
    assert list(findings()) == []
    altering(
        'UPDATE event SET payload = replace(payload::text, \'{"subject":"Zone 20"}\', %s)::json'
        " WHERE position = 7",
        [fields],
    )
    cursor().execute("DELETE FROM register_rows WHERE contract = 'servette'")
    corrections, register = found()
    assert corrections[0] == register[0] == "read-models"
    assert corrections[1].startswith("paquis is not compared: its corrections cannot be followed")
    assert register[1].startswith("register of servette is not the fold")


def test_versions_that_changed_places_are_found(altering):
    begin()
    choose()
    choose()
    altering("UPDATE event SET version = 5 - version + 4 WHERE version > 1")
    altering("UPDATE event SET version = version - 4 WHERE version > 1")
    assert found() == [("order", "Event 2 is version 3 of paquis, and event 3 after it version 2.")]


@pytest.mark.parametrize("at_once", [1, 3, 1_000])
def test_every_contract_is_looked_at_once(monkeypatch, at_once):
    monkeypatch.setattr(checking, "EVENTS", at_once)
    monkeypatch.setattr(checking, "CONTRACTS", at_once)
    for number in range(5):
        begin(f"contract-{number}")
        for _ in range(number):
            choose(f"contract-{number}")
    rebuild(StoredEvents(), PROJECTIONS.values())
    read = []
    assert list(findings(read.append)) == []
    assert read[-1] == 15
    cursor().execute("UPDATE view_document_rows SET document = '{}' WHERE view = 'overview'")
    assert [what.split(" is not")[0] for _, what in found()] == [
        f"overview of contract-{number}" for number in range(5)
    ]


# --- Requests -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("contract = 'grottes'", "version 2 of grottes, which is not there"),
        ("version = 7", "version 7 of paquis, which is not there"),
        ("account = 'secretariat'", "of secretariat is said to have recorded version 2"),
    ],
)
@pytest.mark.parametrize("at_once", [1, integrity.RANGE])
def test_an_idempotency_record_that_names_another_event_is_found(
    owner, monkeypatch, harm, said, at_once
):
    monkeypatch.setattr(integrity, "RANGE", at_once)
    begin()
    for key in ("one", "two", "three"):
        choose(idempotency_key=key)
    assert list(integrity.requests()) == []
    owner.execute(f"UPDATE idempotency SET {harm} WHERE key = 'one'")
    ((check, what),) = ((each.check, each.message) for each in integrity.requests())
    assert check == "requests"
    assert said in what


# --- Texts --------------------------------------------------------------------------------------


def erase(text):
    return decide("text-erased", data={"text": text, "basis_of_erasure": "LIPAD"})


def test_a_text_that_a_decision_erased_is_nothing_wrong():
    begin()
    choose()
    erase(text_of(2))
    assert not found()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("DELETE FROM vault_text", "Event 2 refers to the text {text}: unknown."),
        ("content = 'Autre chose.'", "is not the one that it was recorded with."),
        ("salt = NULL", "is not the one that it was recorded with."),
        ("salt = NULL, content = NULL", "is empty, and no decision that can be read erased it."),
        ("audience = 'restricted'", "is kept as restricted, and is public."),
        ("contract = 'grottes'", "is kept as one of grottes."),
    ],
)
def test_a_text_that_is_not_as_its_event_has_it_is_found(owner, harm, said):
    begin()
    choose()
    text = text_of(2)
    statement = harm if harm.startswith("DELETE") else f"UPDATE vault_text SET {harm}"
    owner.execute(f"{statement} WHERE id = %s", [text])
    ((check, what),) = found()
    assert check == "texts"
    assert said.format(text=text) in what
    assert text in what


def test_a_text_in_residents_own_words_that_everybody_may_read_is_found(owner):
    begin()
    decide("need-expressed", data=NEED)
    assert not found()
    owner.execute("UPDATE vault_text SET audience = 'public' WHERE audience = 'restricted'")
    assert found() == [
        (
            "texts",
            (
                f"""The text {text_of(2, "payload -> 'data' ->> 'text'")} of event 2 """
                "is kept as public, and is restricted."
            ),
        )
    ]


def test_a_rectified_text_is_for_those_for_whom_the_corrected_one_was(owner):
    begin()
    decide("need-expressed", data=NEED)
    fields = {"text": "Asseyez-vous, madame."}
    decide("decision-rectified", data={"position": 2, "reason": "Erreur.", "fields": fields})
    assert not found()
    text = text_of(3, "payload -> 'data' -> 'fields' ->> 'text'")
    owner.execute("UPDATE vault_text SET audience = 'public' WHERE id = %s", [text])
    ((_, what),) = found()
    assert what == f"The text {text} of event 3 is kept as public, and is restricted."


def test_an_erased_text_that_is_there_again_is_found(owner):
    begin()
    choose()
    text = text_of(2)
    owner.execute("CREATE TABLE backup AS SELECT * FROM vault_text")
    erase(text)
    owner.execute("UPDATE vault_text AS v SET salt = b.salt FROM backup AS b WHERE v.id = b.id")
    assert found() == [("texts", f"The text {text} of event 2 is erased, but not its salt.")]
    owner.execute(
        "UPDATE vault_text AS v SET content = b.content FROM backup AS b WHERE v.id = b.id"
    )
    ((_, what),) = found()
    assert what == f"The text {text} of event 2 was erased by event 3, and is there again."


# --- Read models --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            "UPDATE view_document_rows SET document = '{}' WHERE view = 'roadmap' AND",
            "roadmap of paquis",
        ),
        ("DELETE FROM view_document_rows WHERE view = 'bodies' AND", "bodies of paquis"),
        ("DELETE FROM register_rows WHERE", "register of paquis"),
        ("UPDATE register_rows SET title = 'Autre' WHERE", "register of paquis"),
        (
            (
                "INSERT INTO view_document_rows SELECT view, generation, 'paquis', version, '{}'"
                " FROM view_document_rows WHERE view = 'roadmap' AND contract = 'grottes'"
                " ON CONFLICT (view, generation, contract)"
                " DO UPDATE SET document = excluded.document"
            ),
            "roadmap of paquis",
        ),
    ],
)
def test_a_read_model_that_is_not_the_fold_is_found(owner, harm, said):
    begin("grottes")
    begin()
    choose()
    rebuild(StoredEvents(), PROJECTIONS.values())
    assert list(findings()) == []
    owner.execute(harm if harm.startswith("INSERT") else f"{harm} contract = 'paquis'")
    ((check, what),) = found()
    assert check == "read-models"
    assert what.startswith(said)
    assert "is not the fold of its events" in what


def test_a_read_model_is_compared_as_far_as_it_has_followed():
    begin()
    rebuild(StoredEvents(), PROJECTIONS.values())
    choose()
    begin("grottes")
    assert list(findings()) == []


def test_what_is_not_compared_is_said(owner):
    begin()
    assert {each.split()[0] for each in warned()} == set(PROJECTIONS)
    assert "overview was never made, so it is not compared." in warned()
    rebuild(StoredEvents(), PROJECTIONS.values())
    owner.execute("UPDATE projection_position SET version = 99 WHERE name = 'overview'")
    assert warned() == ["overview is of another version of this program, so it is not compared."]


def test_a_read_model_that_cannot_be_folded_is_said(monkeypatch):
    begin()
    rebuild(StoredEvents(), PROJECTIONS.values())

    def fail(*_):
        raise RuntimeError("no such need")

    monkeypatch.setattr(PROJECTIONS["overview"], "take", fail)
    assert found() == [
        (
            "read-models",
            "overview of paquis cannot be folded from its events: RuntimeError: no such need.",
        )
    ]
