"""Documents, persons, reference data, health, the schema and its pages."""

import contextlib
import datetime as dt
import hashlib
from contextlib import closing

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openapi_spec_validator import validate

from tests.api.conftest import each, problem

DOCUMENTS = "/api/v1/documents"
PDF = b"%PDF-1.7 minutes"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QUARTIER_DOCUMENTS", str(tmp_path / "documents"))
    return tmp_path / "documents"


# --- Documents ----------------------------------------------------------------------------------


def test_a_document_is_found_by_its_content(folder, coordinator, anybody):
    sha256 = hashlib.sha256(PDF).hexdigest()
    sent = coordinator.post(f"{DOCUMENTS}?title=PV%203", PDF, content_type="application/pdf")
    assert sent.status_code == 201, sent.content
    assert sent.json() == {
        "sha256": sha256,
        "size": len(PDF),
        "media_type": "application/pdf",
        "title": "PV 3",
    }
    found = anybody.get(sent["Location"])
    assert b"".join(found.streaming_content) == PDF
    assert found["Content-Type"] == "application/pdf"
    assert found["Content-Disposition"] == 'attachment; filename="PV 3"'
    assert found["Cache-Control"] == "public, max-age=31536000, immutable"
    assert found["X-Content-Type-Options"] == "nosniff"
    assert found["Content-Security-Policy"] == "default-src 'none'; sandbox"
    again = anybody.get(sent["Location"], **{"If-None-Match": found["ETag"]})
    assert again.status_code == 304


def test_the_same_content_is_kept_once(folder, coordinator):
    first = coordinator.post(f"{DOCUMENTS}?title=Un", PDF, content_type="application/pdf")
    second = coordinator.post(f"{DOCUMENTS}?title=Deux", PDF, content_type="text/html")
    assert first.json() == second.json()
    assert len([file for file in folder.rglob("*") if file.is_file()]) == 1


def test_a_document_may_come_as_a_form(folder, coordinator, client):
    file = SimpleUploadedFile("procès-verbal.pdf", PDF, "application/pdf")
    headers = {"Authorization": f"Bearer {coordinator.token}"}
    sent = client.post(DOCUMENTS, {"file": file}, headers=headers)
    assert sent.status_code == 201, sent.content
    assert sent.json()["title"] == "procès-verbal.pdf"
    with closing(client.get(sent["Location"])) as found:
        assert found["Content-Disposition"].startswith("attachment; filename*=utf-8''proc")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        (f"{'Procès-verbal ' * 15}.pdf", f"{'Procès-verbal ' * 8}Pro….pdf"),
        ("a\u202ea\u200b.pdf", "aa.pdf"),
        ("\u3164", "document"),
    ],
)
def test_a_file_s_own_name_is_made_a_title(folder, coordinator, client, name, title):
    """It was not given for here; a title that was is examined."""
    headers = {"Authorization": f"Bearer {coordinator.token}"}
    file = SimpleUploadedFile(name, PDF, "application/pdf")
    sent = client.post(DOCUMENTS, {"file": file}, headers=headers)
    assert (sent.status_code, sent.json()["title"]) == (201, title)
    file = SimpleUploadedFile("x.pdf", PDF, "application/pdf")
    given = client.post(DOCUMENTS, {"file": file, "title": "\u200b"}, headers=headers)
    assert problem(given, 422, "fields")["errors"][0]["pointer"] == "/title"


def test_what_a_browser_might_run_is_served_as_bytes(folder, coordinator, anybody):
    page = b"<script>alert(1)</script>"
    sent = coordinator.post(DOCUMENTS, page, content_type="text/html")
    with closing(anybody.get(sent["Location"])) as found:
        assert found["Content-Type"] == "application/octet-stream"


def test_documents_are_refused_clearly(folder, coordinator, anybody, as_role, client):
    problem(anybody.post(DOCUMENTS, PDF, content_type="application/pdf"), 401, "unauthenticated")
    auditor = as_role("auditor")
    problem(auditor.post(DOCUMENTS, PDF, content_type="application/pdf"), 403, "not-yours")
    problem(coordinator.post(DOCUMENTS, b"", content_type="application/pdf"), 400, "malformed")
    bad = coordinator.post(f"{DOCUMENTS}?title=%00", PDF, content_type="application/pdf")
    assert problem(bad, 422, "fields")["errors"][0]["pointer"] == "/title"
    large = coordinator.post(DOCUMENTS, b"x" * (25 * 1024 * 1024 + 1), content_type="image/png")
    problem(large, 413, "too-large")
    headers = {"Authorization": f"Bearer {coordinator.token}"}
    problem(client.post(DOCUMENTS, {"x": "1"}, headers=headers), 400, "malformed")
    broken = coordinator.post(DOCUMENTS, b"--x", content_type="multipart/form-data; boundary=y")
    problem(broken, 400, "malformed")
    no_boundary = coordinator.post(DOCUMENTS, b"--x", content_type="multipart/form-data")
    problem(no_boundary, 400, "malformed")
    problem(anybody.get(f"{DOCUMENTS}/{'0' * 64}"), 404, "not-found")
    problem(anybody.get(f"{DOCUMENTS}/../../etc/passwd"), 404, "not-found")
    assert not [file for file in folder.rglob("*") if file.is_file()]


# --- Persons ------------------------------------------------------------------------------------


def test_an_identity_is_for_those_who_may_know(coordinator, anybody, as_role):
    sent = coordinator.post("/api/v1/persons", {"name": "A. B.", "contact": "a@b.example"})
    assert sent.status_code == 201
    path = sent["Location"]
    problem(anybody.get(path), 401, "unauthenticated")
    for role in ("service", "finance", "administrative_council"):
        problem(as_role(role).get(path), 403, "not-yours")
    for role in ("auditor", "admin"):
        assert as_role(role).get(path).json() == {
            "id": sent.json()["id"],
            "name": "A. B.",
            "contact": "a@b.example",
            "erased": False,
        }
    assert "no-store" in coordinator.get(path)["Cache-Control"]


def test_an_erased_identity_reads_as_erased(coordinator):
    from infra import vault  # noqa: PLC0415 - needs settings

    person = coordinator.post("/api/v1/persons", {"name": "A. B."}).json()["id"]
    vault.erase_person(person)
    told = coordinator.speaking("en").get(f"/api/v1/persons/{person}").json()
    assert told == {"id": person, "name": "[identity erased]", "contact": None, "erased": True}


@each(
    ("body", "pointers"),
    [
        ({}, {"/name"}),
        ({"name": ""}, {"/name"}),
        ({"name": "\0"}, {"/name"}),
        ({"name": "x" * 201, "contact": 5, "age": 3}, {"/name", "/contact", "/age"}),
    ],
)
def test_an_identity_is_a_name(coordinator, body, pointers):
    answer = coordinator.post("/api/v1/persons", body)
    assert {error["pointer"] for error in problem(answer, 422, "fields")["errors"]} == pointers


def test_unknown_persons_are_not_found(coordinator, as_role):
    nobody = "/api/v1/persons/00000000-0000-4000-8000-000000000000"
    problem(coordinator.get(nobody), 404, "not-found")
    problem(coordinator.get("/api/v1/persons/me"), 404, "not-found")
    problem(as_role("finance").post("/api/v1/persons", {"name": "x"}), 403, "not-yours")


# --- The rest -----------------------------------------------------------------------------------


def test_reference_data_are_told(database, anybody):
    answer = anybody.get("/api/v1/reference")
    body = answer.json()
    assert len(body["departments"]) == 5
    assert {"id", "fr", "en", "department"} == set(body["services"][0])
    assert {each["id"] for each in body["capacities"]} >= {"resident", "association"}
    assert anybody.get("/api/v1/reference", **{"If-None-Match": answer["ETag"]}).status_code == 304


def test_it_is_ready_when_everything_it_needs_is_there(database, anybody):
    from infra.database.lease import Lease  # noqa: PLC0415 - needs settings

    assert anybody.get("/health/live").json() == {"live": True}
    with contextlib.ExitStack() as work:
        for name in ("projections", "seal", "relay"):
            assert work.enter_context(Lease(name)).take()
        answer = anybody.get("/health/ready")
        assert answer.status_code == 200
        assert set(answer.json()["checks"].values()) == {"ok"}
        assert 'quartier_work_alive{work="relay"} 1.0' in anybody.get("/metrics").content.decode()


def test_background_work_that_nobody_does_is_said(database, anybody):
    from infra.database.lease import Lease  # noqa: PLC0415 - needs settings

    def checks():
        answer = anybody.get("/health/ready")
        assert answer.status_code == 200, "contracts can be read and recorded all the same"
        return answer.json()["checks"]

    assert checks()["projections"] == checks()["sealer"] == "has never run"
    assert checks()["relay"] == "ok", "no broker is named: nothing is to be published"
    relay = Lease("relay")
    relay.take()
    relay.say("refused: LogDiverged")
    assert checks()["relay"] == "refused: LogDiverged"
    relay.say(None)
    assert checks()["relay"] == "ok"
    relay.release()
    assert checks()["relay"].startswith("not running since 20")
    told = anybody.get("/metrics").content.decode()
    assert 'quartier_work_alive{work="relay"} 0.0' in told
    assert 'quartier_work_renewed_timestamp_seconds{work="relay"} ' in told


def test_what_is_not_ready_is_named(database, anybody, monkeypatch):
    from api.resources import health  # noqa: PLC0415 - needs settings

    monkeypatch.setitem(health.CHECKS, "migrations", lambda: "2 not applied")
    answer = anybody.get("/health/ready")
    told = problem(answer, 503, "unavailable")
    assert told["not_ready"] == ["migrations"]
    assert told["checks"]["database"] == "ok"
    assert int(answer["Retry-After"]) > 0


def test_migrations_of_a_newer_program_are_said(database, anybody):
    import psycopg  # noqa: PLC0415 - needs settings

    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("INSERT INTO django_migrations VALUES (999, 'infra', '0999_later', now())")
    answer = anybody.get("/health/ready")
    assert answer.status_code == 200, "while versions change, both serve"
    assert answer.json()["checks"]["newer_migrations"] == "of a newer version: infra.0999_later"


def test_a_clock_that_ran_ahead_is_said(paquis, database, anybody):
    import psycopg  # noqa: PLC0415 - needs settings

    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("UPDATE event_log SET recorded_at = now() + interval '3 days'")
    answer = anybody.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["checks"]["clock"].startswith("the last decision is recorded in the fut")


def test_decisions_that_nobody_seals_are_said(paquis, anybody, monkeypatch):
    from api.resources import health  # noqa: PLC0415 - needs settings

    assert anybody.get("/health/ready").json()["checks"]["log"] == "ok"
    monkeypatch.setattr(health, "UNSEALED", dt.timedelta(0))
    answer = anybody.get("/health/ready")
    assert answer.status_code == 200, "contracts can be read and recorded all the same"
    assert answer.json()["checks"]["log"].startswith("2 decisions not sealed since 20")
    assert "quartier_log_unsealed 2.0" in anybody.get("/metrics").content.decode()


def test_without_a_database_it_says_so_and_recovers(paquis, anybody, monkeypatch):
    """Every address that needs it: 503 with Retry-After, and nothing half done."""
    import psycopg  # noqa: PLC0415
    from django.db.backends.postgresql.base import DatabaseWrapper  # noqa: PLC0415

    from infra.database.connection import forget_connection  # noqa: PLC0415

    def refuse(*_, **__):
        raise psycopg.OperationalError("connection refused")

    with monkeypatch.context() as away:
        away.setattr(DatabaseWrapper, "get_new_connection", refuse)
        for path in ("contracts", "contracts/paquis", "contracts/paquis/history", "events"):
            forget_connection()
            answer = anybody.get(f"/api/v1/{path}")
            problem(answer, 503, "unavailable")
            assert int(answer["Retry-After"]) > 0
        forget_connection()
        answer = paquis.decide("promotion-started", {"audiences": ["Tous"]})
        problem(answer, 503, "unavailable")
        forget_connection()
        assert (
            problem(anybody.get("/health/ready"), 503, "unavailable")["not_ready"][0] == "database"
        )
        assert anybody.get("/health/live").status_code == 200
        assert b"quartier_database_up 0.0" in anybody.get("/metrics").content
    assert paquis.decide("promotion-started", {"audiences": ["Tous"]}).status_code == 201


def test_metrics_are_in_prometheus_text(paquis, anybody):
    text = anybody.get("/metrics").content.decode()
    assert "quartier_events 2.0" in text
    assert (
        'quartier_http_requests_total{method="POST",route="api/v1/contracts",status="201"}' in text
    )
    assert "paquis" not in text


def test_a_fault_of_ours_is_a_problem_and_shows_nothing(database, anybody, monkeypatch):
    monkeypatch.setattr("api.resources.reference.reference_json", lambda: 1 / 0)
    answer = anybody.get("/api/v1/reference")
    problem(answer, 500, "failed")
    assert b"ZeroDivision" not in answer.content
    assert b"Traceback" not in answer.content


def test_the_schema_is_valid_and_complete(database, anybody):
    answer = anybody.get("/api/schema")
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    validate(document)
    from api.urls import ROUTES  # noqa: PLC0415 - needs settings

    described = {path for path in document["paths"] if "/decisions/" not in path}
    assert len(described) == len([route for route in ROUTES if "/decisions/" not in route])
    identifiers = [
        operation["operationId"]
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in {"get", "post"}
    ]
    assert len(identifiers) == len(set(identifiers))
    assert anybody.get("/api/schema", **{"If-None-Match": answer["ETag"]}).status_code == 304


def test_the_pages_of_the_api_need_no_other_server(database, anybody):
    page = anybody.get("/api/docs")
    assert page.status_code == 200
    assert b"//cdn" not in page.content
    assert b"http" not in page.content.replace(b"http-equiv", b"")
    import re  # noqa: PLC0415

    for path in re.findall(r'(?:src|href)="([^"]+)"', page.content.decode()):
        assert path.startswith("/static/")
        asset = anybody.get(path)
        assert asset.status_code == 200, path
        asset.close()
    assert anybody.get("/")["Location"] == "/api/docs"


def test_a_kind_of_problem_can_be_looked_up(database, anybody):
    told = problem(anybody.get("/nowhere"), 404, "not-found")
    assert anybody.get(told["type"]).json()["title"] == {"fr": "Introuvable", "en": "Not found"}
    problem(anybody.get("/api/problems/nothing"), 404, "not-found")


def test_requests_are_known_by_their_id(database, anybody):
    assert anybody.get("/health/live", **{"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    for unsound in ("a b", "x" * 65, "é", "", "a\tb"):
        given = anybody.get("/health/live", **{"X-Request-ID": unsound})["X-Request-ID"]
        assert given != unsound
        assert len(given) == 36


def test_the_log_names_ids_and_no_content(paquis, capfd):
    paquis.decide(
        "contract-suspended",
        {"reason": "Un secret."},
        headers={"X-Request-ID": "abc-1", "Idempotency-Key": "k-7"},
    )
    logged = capfd.readouterr().err
    assert "request_answered" in logged
    assert "abc-1" in logged
    for secret in ("secret", paquis.token, "k-7"):
        assert secret not in logged


def test_the_methods_of_an_address_can_be_asked_for(database, client):
    assert client.options("/api/v1/contracts")["Allow"] == "GET, HEAD, POST, OPTIONS"
    head = client.head("/api/v1/events")
    assert head.status_code == 200
    assert head.content == b""
