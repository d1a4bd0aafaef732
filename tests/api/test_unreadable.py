"""What is stored and cannot be read is ours to mend: 503 by name, and for no other contract."""

from http import HTTPStatus

import psycopg
import pytest

from infra.eventstore.repository import contracts
from infra.log.keys import LogKeys, write_keys
from infra.log.sealing import seal_all
from tests.api.conftest import PERIMETER, each, problem

ALTERED = {
    "unknown type": "type = 'written-by-a-newer-program'",
    "newer schema": "schema = 99",
    "not of that type": """payload = '{"data":{"colour":"red"}}'""",
    "unknown body": "body = 'senate'",
}
OF_A_CONTRACT = (
    *("", "/bodies", "/conformity", "/diagnosis", "/funding", "/genealogy", "/plenaries"),
    *("/roadmap", "/timeline", "/history", "/decisions", "/conformity.csv", "/conformity.html"),
    *("/overview/changes", "/counterfactual?framework=pilots-2009", "/evidence.zip"),
)


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    file = tmp_path / "log-key"
    write_keys(file, LogKeys.generate("log.example/quartier"), new=True)
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(file))
    return file


@pytest.fixture
def intrude(database):
    """Statements of an owner who goes past every guard."""

    def run(*statements):
        with psycopg.connect(database.url, autocommit=True) as owner:
            for statement in statements:
                owner.execute(statement)
        contracts.forget()

    return run


@pytest.fixture
def grottes(paquis):
    """Another contract beside."""
    paquis.begin("grottes")
    return paquis


def read(anybody, path):
    """The answer, to its end."""
    answer = anybody.client.get(path)
    answer.getvalue()
    answer.close()
    return answer


def unreadable(answer, position=2):
    """The problem of an event that cannot be read."""
    body = problem(answer, HTTPStatus.SERVICE_UNAVAILABLE, "unreadable-event")
    assert body["event"]["position"] == position
    assert body["event"]["contract"] == "paquis"
    assert body["event"]["reason"]
    assert str(position) in body["detail"]
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED)
def test_an_event_that_cannot_be_read_is_named(grottes, anybody, key_file, intrude, altered):
    seal_all(key_file)
    intrude(
        "ALTER TABLE event DISABLE TRIGGER USER", f"UPDATE event SET {altered} WHERE position = 2"
    )
    for path in OF_A_CONTRACT:
        unreadable(anybody.client.get(f"/api/v1/contracts/paquis{path}"))
        other = read(anybody, f"/api/v1/contracts/grottes{path}")
        assert other.status_code == HTTPStatus.OK, path
    unreadable(grottes.decide("contract-suspended", {"reason": "Pause."}))
    unreadable(grottes.decide("contract-suspended", {}, headers={"If-Match": '"1"'}))
    set_there = grottes.decide("perimeter-set", {"perimeter": PERIMETER}, contract="grottes")
    assert set_there.status_code == HTTPStatus.CREATED, set_there.content


def test_a_retry_of_what_cannot_be_read_is_told_so(paquis, intrude):
    key = {"Idempotency-Key": "k"}
    sent = ("contract-suspended", {"reason": "Pause."})
    assert paquis.decide(*sent, headers=key).status_code == HTTPStatus.CREATED
    intrude(
        "ALTER TABLE event DISABLE TRIGGER USER", "UPDATE event SET schema = 99 WHERE position = 3"
    )
    unreadable(paquis.decide(*sent, headers=key), position=3)


def test_what_is_stored_of_it_is_still_handed_on(paquis, anybody, intrude):
    """The feed passes payloads on as they are, so that whoever knows them can read them."""
    intrude(
        "ALTER TABLE event DISABLE TRIGGER USER", "UPDATE event SET schema = 99 WHERE position = 2"
    )
    assert anybody.get("/api/v1/events/2").json()["schema"] == 99
    assert len(anybody.get("/api/v1/events").json()["results"]) == 2


def test_a_type_that_a_client_names_is_the_clients(paquis, anybody):
    problem(paquis.decide("no-such-type", {}), HTTPStatus.NOT_FOUND, "not-found")
    problem(anybody.get("/api/v1/decision-types/no-such-type"), HTTPStatus.NOT_FOUND, "not-found")


# --- The log ------------------------------------------------------------------------------------


@pytest.fixture
def long(paquis, key_file, database):
    """A log whose first tile is full: the decisions are the contract's own, over and over."""
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO event (position, contract, version, type, schema, body, decided_on,"
            " recorded_at, recorded_by, payload) SELECT n, 'other-' || n, 1, type, schema, body,"
            " decided_on, recorded_at, recorded_by, payload FROM event, generate_series(3, 300) n"
            " WHERE position = 1"
        )
        owner.execute("UPDATE event_log SET size = 300")
    return seal_all(key_file)


def damaged(answer):
    problem(answer, HTTPStatus.SERVICE_UNAVAILABLE, "damaged-log")
    assert int(answer["Retry-After"]) > 0


PROOFS = ("/api/v1/events/1/proof", "/api/v1/contracts/paquis/evidence.zip")


def test_a_tile_that_was_taken_away_is_missed(long, anybody, intrude):
    paths = ("/log/tile/0/000", "/log/tile/1/000.p/1", *PROOFS)
    for path in paths:
        assert read(anybody, path).status_code == HTTPStatus.OK
    intrude("ALTER TABLE log_tile DISABLE TRIGGER USER", "DELETE FROM log_tile")
    for path in paths:
        damaged(anybody.get(path))
    assert anybody.get("/log/checkpoint").status_code == HTTPStatus.OK


def test_a_decision_that_was_taken_away_is_missed(long, anybody, intrude):
    intrude("ALTER TABLE event DISABLE TRIGGER USER", "DELETE FROM event WHERE position = 200")
    damaged(anybody.get("/log/tile/entries/000"))
    assert anybody.get("/log/tile/entries/000.p/199").status_code == HTTPStatus.OK


@each("line", ["nonsense", "— log.example/quartier AAAA", "— log.example/quartier !"])
def test_a_signature_that_is_none_is_told(long, anybody, intrude, line):
    intrude(
        "ALTER TABLE log_signature DISABLE TRIGGER USER",
        f"UPDATE log_signature SET line = '{line}'",
    )
    for path in ("/log/checkpoint", *PROOFS):
        damaged(anybody.get(path))
    assert anybody.get("/log/tile/0/000").status_code == HTTPStatus.OK
