"""A request that is sent again writes nothing twice, whatever it writes."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from infra import vault
from infra.database.connection import cursor
from tests.api.conftest import INITIATED, each, problem

KEY = {"Idempotency-Key": "k-1"}
PERSONS = "/api/v1/persons"
DOCUMENTS = "/api/v1/documents"
CONTRACTS = "/api/v1/contracts"
NAMED = {"name": "Élodie Test", "contact": "022 000 00 00"}
BEGUN = {"decided_on": "2014-03-01", "data": INITIATED}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QUARTIER_DOCUMENTS", str(tmp_path / "documents"))
    return tmp_path / "documents"


def rows():
    """How many there are of whatever a POST can write."""
    tables = ("event", "vault_person", "vault_text", "document")
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    return cursor().execute(f"SELECT {counts}").fetchone()


def test_whatever_writes_takes_a_key(anybody):
    paths = anybody.get("/api/schema").json()["paths"]
    posts = {path: item["post"] for path, item in paths.items() if "post" in item}
    assert {CONTRACTS, PERSONS, DOCUMENTS} < set(posts)
    for path, post in posts.items():
        named = [parameter.get("$ref", "") for parameter in post.get("parameters", ())]
        assert "#/components/parameters/Idempotency-Key" in named, path
        assert "422" in post["responses"], path


@each(("path", "body"), [(PERSONS, NAMED), (CONTRACTS, BEGUN)])
def test_the_same_request_is_answered_as_the_first_time(coordinator, path, body):
    first = coordinator.post(path, body, **KEY)
    assert first.status_code == HTTPStatus.CREATED, first.content
    there = rows()
    again = coordinator.post(path, body, **KEY)
    assert (again.status_code, again.content) == (HTTPStatus.CREATED, first.content)
    assert again["Location"] == first["Location"]
    assert rows() == there


@each(
    ("path", "body", "other"),
    [
        (PERSONS, NAMED, NAMED | {"name": "Élodie Autre"}),
        (PERSONS, NAMED, {"name": NAMED["name"]}),
        (CONTRACTS, BEGUN, BEGUN | {"decided_on": "2014-03-02"}),
    ],
)
def test_another_request_under_the_same_key_is_refused(coordinator, path, body, other):
    coordinator.post(path, body, **KEY)
    there = rows()
    problem(coordinator.post(path, other, **KEY), HTTPStatus.UNPROCESSABLE_ENTITY, "key-reused")
    assert rows() == there


def test_each_account_has_keys_of_its_own(coordinator, as_role):
    first = coordinator.post(PERSONS, NAMED, **KEY)
    other = as_role("admin").post(PERSONS, NAMED | {"name": "Autre"}, **KEY)
    assert other.status_code == HTTPStatus.CREATED
    assert other.json()["id"] != first.json()["id"]


def test_without_a_key_two_persons_of_one_name_are_two(coordinator):
    ids = {coordinator.post(PERSONS, NAMED).json()["id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_person_sent_by_several_at_once_is_one(coordinator):
    def send(_):
        from django.db import connection  # noqa: PLC0415 - needs settings

        answer = coordinator.post(PERSONS, NAMED, **KEY)
        connection.close()
        return answer.status_code, answer.content

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(send, range(8)))
    ((status, _),) = answers
    assert status == HTTPStatus.CREATED
    assert cursor().execute("SELECT count(*) FROM vault_person").fetchone() == (1,)


def test_an_erased_person_stays_the_same_and_nothing_tells_the_name(coordinator):
    first = coordinator.post(PERSONS, NAMED, **KEY)
    vault.erase_person(first.json()["id"])
    again = coordinator.post(PERSONS, NAMED, **KEY)
    assert again.json() == first.json()
    assert vault.person(first.json()["id"]).name is None
    assert cursor().execute("SELECT count(*) FROM idempotency").fetchone() == (0,)


def test_a_document_is_handed_in_once(coordinator, folder):
    def send(content, title="PV", **headers):
        path = f"{DOCUMENTS}?title={title}"
        return coordinator.post(path, content, content_type="application/pdf", **headers)

    first = send(b"%PDF 1", **KEY)
    assert send(b"%PDF 1", **KEY).content == first.content
    for other in ({"content": b"%PDF 2"}, {"content": b"%PDF 1", "title": "Annexe"}):
        refused = send(**other, **KEY)
        problem(refused, HTTPStatus.UNPROCESSABLE_ENTITY, "key-reused")
    assert len([file for file in folder.rglob("*") if file.is_file()]) == 1
    assert cursor().execute("SELECT count(*) FROM document").fetchone() == (1,)
    assert send(b"%PDF 2", **{"Idempotency-Key": "k-2"}).status_code == HTTPStatus.CREATED


def test_a_document_in_a_form_is_handed_in_once(coordinator, client):
    headers = {"Authorization": f"Bearer {coordinator.token}", **KEY}

    def send(content):
        file = SimpleUploadedFile("pv.pdf", content, "application/pdf")
        return client.post(DOCUMENTS, {"file": file}, headers=headers)

    assert send(b"%PDF 1").content == send(b"%PDF 1").content
    problem(send(b"%PDF 2"), HTTPStatus.UNPROCESSABLE_ENTITY, "key-reused")


@each("path", [PERSONS, DOCUMENTS, CONTRACTS])
@pytest.mark.parametrize("key", ["", " ", "é", "x" * 256])
def test_a_key_that_is_none_is_refused(coordinator, path, key):
    there = rows()
    answer = coordinator.post(path, {}, **{"Idempotency-Key": key})
    problem(answer, HTTPStatus.BAD_REQUEST, "malformed")
    assert rows() == there
