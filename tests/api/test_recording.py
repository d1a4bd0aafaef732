"""Recording over HTTP: what is answered when a decision is accepted, and when it is not."""

import threading

import pytest

from api.http import exception_handler
from tests.api.conftest import INITIATED, PERIMETER, each, problem

AUDIENCES = {"audiences": ["Tout le quartier"]}


def test_beginning_a_contract_answers_with_the_recorded_decision(coordinator):
    answer = coordinator.begin()
    body = answer.json()
    assert answer["ETag"] == '"1"'
    assert answer["Location"] == "/api/v1/contracts/paquis"
    assert body["recorded_at"].endswith("Z")
    assert {name: body[name] for name in body if name not in {"recorded_at", "data"}} == {
        "position": 1,
        "contract": "paquis",
        "version": 1,
        "type": "contract-initiated",
        "body": "administrative_council",
        "basis": "1",
        "decided_on": "2014-03-01",
        "recorded_by": "the-coordinator",
        "evidence": [],
        "departures": {},
    }
    assert body["data"] == {**INITIATED, "framework": "cadre-2014"}


def test_a_contract_without_an_id_is_named_after_its_title(coordinator):
    sent = {"decided_on": "2014-03-01", "data": INITIATED | {"title": "Les Grottes à 2"}}
    ids = [coordinator.post("/api/v1/contracts", sent).json()["contract"] for _ in range(3)]
    assert ids == ["les-grottes-a-2", "les-grottes-a-2-2", "les-grottes-a-2-3"]


def test_a_contract_is_begun_once(paquis, log_size):
    answer = paquis.post(
        "/api/v1/contracts", {"contract": "paquis", "decided_on": "2014-03-01", "data": INITIATED}
    )
    assert problem(answer, 409, "exists")["contract"] == "paquis"
    again = paquis.decide("contract-initiated", INITIATED)
    problem(again, 409, "exists")
    elsewhere = paquis.decide("contract-initiated", INITIATED, contract="elsewhere")
    problem(elsewhere, 404, "not-found")
    assert log_size() == 2


def test_a_decision_answers_with_its_place_and_can_be_read_at_once(paquis, anybody):
    evidence = [{"sha256": "ab" * 32, "title": "Procès-verbal", "reference": "PV 3"}]
    answer = paquis.decide("promotion-started", AUDIENCES, on="2014-03-06", evidence=evidence)
    assert answer.status_code == 201
    assert answer["ETag"] == '"3"'
    assert answer["Location"] == "/api/v1/events/3"
    assert answer.json()["evidence"] == evidence
    assert answer.json()["body"] == "community_unit"
    assert anybody.get(answer["Location"]).json()["type"] == "promotion-started"
    shown = anybody.get("/api/v1/contracts/paquis/history").json()["results"][-1]
    assert {name: shown[name] for name in answer.json()} == answer.json()
    assert anybody.get("/api/v1/contracts/paquis").json()["phase"] == "promotion"


# --- Who may ------------------------------------------------------------------------------------


def test_recording_needs_a_token(paquis, anybody, log_size):
    answer = anybody.decide("promotion-started", AUDIENCES)
    problem(answer, 401, "unauthenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="quartier"'
    assert log_size() == 2


@each("header", ["Bearer nonsense", "Bearer", "Basic abc", "Bearer \u00e9t\u00e9", "x"])
def test_a_wrong_token_is_refused_even_where_none_is_needed(paquis, client, header):
    answer = client.get("/api/v1/events", headers={"Authorization": header})
    problem(answer, 401, "unauthenticated")


def test_a_closed_account_asks_no_longer(paquis, monkeypatch):
    from infra.accounts import close_account  # noqa: PLC0415 - needs settings

    monkeypatch.setattr("api.http.authentication.REMEMBERED", 0.0)
    close_account("the-coordinator")
    import time  # noqa: PLC0415

    monkeypatch.setattr(time, "monotonic", lambda real=time.monotonic: real() + 2)
    problem(paquis.decide("promotion-started", AUDIENCES), 401, "unauthenticated")


def test_a_secretariat_records_for_its_own_body_only(paquis, as_role, log_size):
    council = as_role("administrative_council")
    refused = problem(council.decide("promotion-started", AUDIENCES), 403, "not-yours")
    assert refused["role"] == "administrative_council"
    assert refused["body"] == "community_unit"
    unit = as_role("community_unit")
    assert unit.decide("promotion-started", AUDIENCES).status_code == 201
    assert log_size() == 3


@pytest.mark.parametrize("role", ["auditor", "finance", "admin"])
def test_who_only_reads_records_nothing(paquis, as_role, log_size, role):
    answer = as_role(role).decide("promotion-started", AUDIENCES)
    assert problem(answer, 403, "not-yours")["role"] == role
    assert log_size() == 2


def test_a_body_decides_only_what_it_is_competent_for(paquis, log_size):
    answer = paquis.decide("promotion-started", AUDIENCES, body="plenary")
    refused = problem(answer, 403, "not-competent")
    assert refused["body"] == "plenary"
    assert refused["competent"] == ["community_unit"]
    assert "Conférence de quartier" in refused["detail"]
    assert log_size() == 2


CONVENED = {"plenary": "p1", "date": "2014-09-01", "place": "École", "agenda": "Ordre du jour"}


def test_where_several_bodies_may_decide_one_is_named(paquis, log_size):
    answer = paquis.decide("needs-merged", {"needs": ["n1"], "into": "n2"})
    (error,) = problem(answer, 422, "fields")["errors"]
    assert error["pointer"] == "/body"
    assert "commission, working_group" in error["message"]
    assert log_size() == 2


def test_the_role_is_the_body_where_it_may_be(paquis):
    answer = paquis.decide("plenary-convened", CONVENED, on="2014-03-06")
    problem(answer, 409, "rules")
    departures = {"promotion-too-short": "Le temps presse."}
    answer = paquis.decide("plenary-convened", CONVENED, departures=departures)
    assert answer.status_code == 201, answer.content
    assert answer.json()["body"] == "coordinator"
    assert answer.json()["departures"] == departures


# --- Rules --------------------------------------------------------------------------------------


def test_all_the_rules_in_the_way_are_named(paquis, log_size):
    answer = paquis.decide(
        "promotion-activity-held", {"audience": "Tous", "means": "stall"}, "2013-01-01"
    )
    findings = problem(answer, 409, "rules")["findings"]
    assert {finding["rule"] for finding in findings} == {
        "decided-before-the-contract",
        "promotion-not-started",
    }
    assert all(finding["message"] and "departable" in finding for finding in findings)
    assert log_size() == 2


def test_a_departable_rule_asks_for_a_justification(paquis, log_size):
    late = {"reference": "PV 1", "informed_on": "2014-04-01"}
    answer = paquis.decide("plenary-convened", CONVENED, body="coordinator")
    findings = {each["rule"]: each for each in problem(answer, 409, "rules")["findings"]}
    assert findings["promotion-too-short"]["departable"] is True
    unjustified = paquis.decide(
        "municipal-council-informed", late, departures={"promotion-too-short": "Sans objet"}
    )
    (finding,) = problem(unjustified, 409, "rules")["findings"]
    assert finding["rule"] == "departure-without-cause"
    assert log_size() == 2


# --- Once ---------------------------------------------------------------------------------------


def test_the_same_request_is_recorded_once_and_answered_alike(paquis, log_size):
    key = {"Idempotency-Key": "k-1"}
    first = paquis.decide("promotion-started", AUDIENCES, headers=key)
    paquis.decide("contract-suspended", {"reason": "Pause."}, on="2014-05-01")
    again = paquis.decide("promotion-started", AUDIENCES, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first["ETag"] == again["ETag"] == '"3"'
    assert first["Location"] == again["Location"]
    assert log_size() == 4


def test_member_order_and_spaces_do_not_make_another_request(paquis, log_size):
    path = "/api/v1/contracts/paquis/decisions/promotion-started"
    key = {"Idempotency-Key": "k-1"}
    one = b'{"decided_on": "2014-04-01", "data": {"audiences": ["x"]}}'
    other = b'{"data":{"audiences":["x"]},"decided_on":"2014-04-01"}'
    assert paquis.post(path, one, **key).content == paquis.post(path, other, **key).content
    assert log_size() == 3


def test_a_key_is_for_one_request(paquis, as_role, log_size):
    key = {"Idempotency-Key": "k-1"}
    paquis.decide("promotion-started", AUDIENCES, headers=key)
    other = paquis.decide("promotion-started", {"audiences": ["Autre"]}, headers=key)
    problem(other, 422, "key-reused")
    elsewhere = paquis.decide("contract-suspended", {"reason": "Pause."}, headers=key)
    problem(elsewhere, 422, "key-reused")
    assert log_size() == 3
    theirs = as_role("administrative_council").decide(
        "contract-suspended", {"reason": "Pause."}, headers=key
    )
    assert theirs.status_code == 201


def test_beginning_a_contract_twice_with_one_key_begins_one(coordinator, log_size):
    sent = {"decided_on": "2014-03-01", "data": INITIATED}
    answers = [
        coordinator.post("/api/v1/contracts", sent, **{"Idempotency-Key": "k"}) for _ in range(3)
    ]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].status_code == 201
    assert log_size() == 1


@each("key", ["", " ", "a" * 256, "clé", "a\tb", " a"])
def test_a_key_is_made_of_printable_ascii(paquis, log_size, key):
    answer = paquis.decide("promotion-started", AUDIENCES, headers={"Idempotency-Key": key})
    problem(answer, 400, "malformed")
    assert log_size() == 2


def test_equal_requests_at_the_same_moment_are_recorded_once(paquis, log_size):
    from django.db import connection  # noqa: PLC0415 - needs settings

    answers = []

    def ask():
        answers.append(
            paquis.decide("promotion-started", AUDIENCES, headers={"Idempotency-Key": "k"})
        )
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert log_size() == 3


# --- If-Match -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ['"2"', 'W/"2"', "*", '"2;2026-11-22"'])
def test_a_decision_may_demand_the_version_it_was_made_on(paquis, tag):
    answer = paquis.decide("promotion-started", AUDIENCES, headers={"If-Match": tag})
    assert answer.status_code == 201


def test_whoever_missed_decisions_is_told_which(paquis, log_size):
    paquis.decide("promotion-started", AUDIENCES)
    answer = paquis.decide("contract-suspended", {"reason": "x"}, headers={"If-Match": '"1"'})
    missed = problem(answer, 412, "missed")
    assert answer["ETag"] == '"3"'
    assert missed["version"] == 3
    assert [each["type"] for each in missed["missed"]] == ["perimeter-set", "promotion-started"]
    ahead = paquis.decide("contract-suspended", {"reason": "x"}, headers={"If-Match": '"99"'})
    assert problem(ahead, 412, "missed")["missed"] == []
    assert missed["next"] is None
    assert log_size() == 3


def test_of_many_decisions_missed_the_first_are_told_and_where_the_others_are(paquis, monkeypatch):
    monkeypatch.setattr(exception_handler, "MISSED_TOLD", 2)
    paquis.decide("promotion-started", AUDIENCES)
    paquis.decide("contract-suspended", {"reason": "Travaux."}, on="2014-05-01")
    answer = paquis.decide("contract-resumed", {"reason": "x"}, headers={"If-Match": '"1"'})
    missed = problem(answer, 412, "missed")
    assert [each["version"] for each in missed["missed"]] == [2, 3]
    rest = paquis.get(missed["next"]).json()
    assert [each["version"] for each in rest["results"]] == [4]
    nearly = paquis.decide("contract-resumed", {"reason": "x"}, headers={"If-Match": '"2"'})
    assert problem(nearly, 412, "missed")["next"] is None


@each("tag", ["2", '"two"', '"1", "2"', "", '"' + "9" * 30 + '"'])
def test_a_version_that_is_none_is_refused(paquis, log_size, tag):
    answer = paquis.decide("promotion-started", AUDIENCES, headers={"If-Match": tag})
    problem(answer, 400, "malformed")
    assert log_size() == 2


def test_texts_in_what_was_missed_are_joined_for_the_reader(paquis):
    paquis.decide("contract-suspended", {"reason": "Travaux."}, on="2014-05-01")
    answer = paquis.decide("contract-resumed", {"reason": "x"}, headers={"If-Match": '"2"'})
    (missed,) = problem(answer, 412, "missed")["missed"]
    assert missed["data"] == {"reason": "Travaux."}


def test_perimeters_are_accepted_in_the_coordinates_of_the_city(coordinator):
    coordinator.begin()
    corners = [[2500000, 1118500], [2500500, 1118500], [2500500, 1119000], [2500000, 1118500]]
    perimeter = {"type": "Polygon", "coordinates": [corners], "crs": "EPSG:2056"}
    answer = coordinator.decide("perimeter-set", {"perimeter": perimeter})
    assert answer.status_code == 201
    longitude, latitude = answer.json()["data"]["perimeter"]["coordinates"][0][0]
    assert 6.1 < longitude < 6.2
    assert 46.2 < latitude < 46.3
    assert PERIMETER["type"] == answer.json()["data"]["perimeter"]["type"]
