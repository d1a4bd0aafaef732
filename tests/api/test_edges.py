"""What lies at an edge: the calendar's ends, days out of order, texts that show nothing, rings.

Whatever is sent is recorded or named, and what was recorded before there were bounds stays
readable.
"""

import json
from itertools import product

import orjson
import pytest

from tests.api.conftest import INITIATED, PERIMETER, each, problem
from tests.api.test_time import FORMS, PATHS

CONTRACTS = "/api/v1/contracts"
PAQUIS = f"{CONTRACTS}/paquis"
LAST = "9999-12-31T23:00:00Z"


def rules(answer):
    return {each["rule"] for each in problem(answer, 409, "rules")["findings"]}


def faults(answer):
    found = problem(answer, 422, "fields")["errors"]
    return {each["pointer"]: each["code"] for each in found}


@pytest.fixture
def recorded(database):
    """Appends events as an earlier version may have left them, whatever would be said today."""
    from infra.eventstore.append import Write, append  # noqa: PLC0415 - needs settings
    from infra.eventstore.repository import contracts, version_of  # noqa: PLC0415 - needs settings

    def store(slug, body, data, on="2014-04-01", contract="paquis"):
        event = {
            "contract": contract,
            "version": version_of(contract) + 1,
            "type": slug,
            "schema": 1,
            "body": body,
            "decided_on": on,
            "recorded_by": "earlier",
            "payload": orjson.Fragment(orjson.dumps({"data": data}, option=orjson.OPT_SORT_KEYS)),
        }
        append(Write([event]))
        with contracts.hold(contract) as held:
            held.catch_up()

    return store


# --- The ends of the calendar -------------------------------------------------------------------


@each("path", [*PATHS, *FORMS])
def test_everything_can_be_asked_for_as_of_the_end_of_time(paquis, path):
    for query in ({"known_at": LAST}, {"valid_at": "9999-12-31"}, {"valid_at": "2200-12-31"}):
        assert paquis.get(PAQUIS + path, query).status_code == 200, (path, query)


@each("query", [{"known_at": "0001-01-01T00:00:00Z"}, {"valid_at": "0001-01-01"}])
def test_before_all_time_there_was_nothing(paquis, query):
    assert paquis.get(f"{PAQUIS}/roadmap", query).status_code == 404


@each(("axis", "moment"), product(["known", "valid"], [LAST, "9999-12-31"]))
def test_what_changed_up_to_the_end_of_time_is_not_known(paquis, axis, moment):
    answer = paquis.get(f"{PAQUIS}/roadmap/changes", {"axis": axis, "to": moment})
    (fault,) = problem(answer, 400, "query")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/to", "future")


@each("query", [{"from": "0001-01-01"}, {"to": "9999-12-31"}, {"to": "0001-01-01"}])
def test_the_calendar_has_the_same_ends(paquis, query):
    assert paquis.get("/api/v1/calendar", query).status_code == 200


@each("day", ["0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31"])
def test_a_day_outside_the_calendar_is_named(paquis, day):
    found = paquis.decide("coordinator-relieved", {"ends_on": day})
    (said,) = [f for f in found.json()["findings"] if f["rule"] == "outside-the-calendar"]
    assert said["facts"] == {
        "field": "ends_on",
        "day": day,
        "first": "1900-01-01",
        "last": "2200-12-31",
    }


def test_a_plenary_at_the_end_of_time_meets_rules(coordinator):
    coordinator.begin("essai")
    data = {"plenary": "p", "date": "9999-12-31", "place": "S", "agenda": "A"}
    answer = coordinator.decide("plenary-convened", data, contract="essai", body="coordinator")
    assert "outside-the-calendar" in rules(answer)


def test_no_decision_is_rectified_into_the_end_of_time(paquis):
    """Nor is any other that later ones follow: the perimeter is the second decision."""
    for position in (1, 2):
        about = {"position": position, "reason": "Faute.", "decided_on": "9999-12-31"}
        answer = paquis.decide("decision-rectified", about, body="administrative_council")
        assert rules(answer) == {"later-decision-impossible"}


def test_a_title_is_transliterated_for_an_id(coordinator):
    for title, name in (("Œuvre", "oeuvre"), ("Straße", "strasse"), ("Œuvre", "oeuvre-2")):
        data = {**INITIATED, "title": title}
        answer = coordinator.post(CONTRACTS, {"decided_on": "2014-03-01", "data": data})
        assert answer.json()["contract"] == name


@each("sent", ["0", "1397606400", "20140416", "2014-04-16T00:00:00", 1397606400, True, ""])
def test_a_day_is_written_as_a_day(paquis, sent):
    data = {"reference": "R", "informed_on": sent}
    assert faults(paquis.decide("municipal-council-informed", data)) == {
        "/data/informed_on": "date"
    }


# --- Days out of order --------------------------------------------------------------------------


@each(
    ("day", "rule"),
    [("2099-01-01", "not-yet-happened"), ("2014-02-28", "before-its-cause")],
)
def test_the_council_was_told_by_now_and_of_what_had_begun(paquis, day, rule):
    data = {"reference": "R", "informed_on": day}
    assert rules(paquis.decide("municipal-council-informed", data)) == {rule}


# --- What was recorded before there were bounds --------------------------------------------------


def test_a_stored_day_at_the_end_of_time_stops_nothing(paquis, recorded):
    """It stays as it is; every view is made, and the next decision is judged."""
    recorded(
        "coordinator-appointed",
        "administrative_council",
        {
            "person": "00000000-0000-4000-8000-000000000001",
            "starts_on": "9999-12-31",
        },
    )
    recorded(
        "plenary-convened",
        "coordinator",
        {
            "plenary": "p",
            "date": "9999-12-31",
            "place": "\u200b",
            "agenda": {"text": "00000000-0000-4000-8000-000000000002", "digest": "0" * 64},
        },
    )
    recorded(
        "need-expressed",
        "coordinator",
        {
            "need": "n1",
            "title": "\u202eA",
            "origin": "written",
            "theme": "espace-public",
            "text": {"text": "00000000-0000-4000-8000-000000000003", "digest": "0" * 64},
        },
    )
    recorded(
        "action-proposed",
        "plenary",
        {
            "action": "a",
            "title": "A",
            "needs": ["n1"],
            "theme": "espace-public",
            "text": {"text": "00000000-0000-4000-8000-000000000004", "digest": "0" * 64},
        },
    )
    recorded("roadmap-drafted", "commission", {"version": 1, "actions": ["a"]})
    recorded(
        "funding-route-chosen",
        "administrative_council",
        {
            "action": "a",
            "route": "municipal_credit",
            "amount": "10.00",
        },
    )
    recorded(
        "credit-requested",
        "administrative_council",
        {
            "action": "a",
            "proposal": "PR-1",
            "gross": "10.00",
            "net": "10.00",
        },
    )
    recorded(
        "credit-voted",
        "municipal_council",
        {
            "action": "a",
            "deliberation": "D",
            "instrument": "deliberation",
            "gross": "10.00",
            "net": "10.00",
            "urgent": False,
        },
    )
    recorded(
        "credit-published",
        "municipal_council",
        {
            "action": "a",
            "published_on": "9999-12-31",
        },
    )
    for path in (*PATHS, *FORMS, "/decisions"):
        assert paquis.get(PAQUIS + path).status_code == 200, path
    for slug, data in (
        ("credit-contested", {"action": "a"}),
        ("credit-became-enforceable", {"action": "a", "enforceable_on": "2014-04-01"}),
    ):
        answer = paquis.decide(slug, data, body="municipal_council")
        assert answer.status_code in {201, 403, 409}, answer.content
    events = paquis.get("/api/v1/events", {"limit": 1000}).json()["results"]
    assert [e["data"]["published_on"] for e in events if e["type"] == "credit-published"] == [
        "9999-12-31"
    ]


def test_a_stored_ring_is_shown_the_right_way_round(paquis, recorded):
    clockwise = {**PERIMETER, "coordinates": [PERIMETER["coordinates"][0][::-1]]}
    recorded("perimeter-set", "administrative_council", {"perimeter": clockwise})
    assert paquis.get(PAQUIS).json()["perimeter"] == turned(clockwise)
    event = paquis.get("/api/v1/events", {"limit": 1000}).json()["results"][-1]
    assert event["data"]["perimeter"] == clockwise, "the event itself is what the log proves"


def turned(polygon):
    return {**polygon, "coordinates": [polygon["coordinates"][0][::-1]]}


# --- Rings --------------------------------------------------------------------------------------


def test_a_ring_is_recorded_counter_clockwise(paquis):
    clockwise = turned(PERIMETER)
    answer = paquis.decide("perimeter-set", {"perimeter": clockwise})
    assert answer.json()["data"]["perimeter"] == turned(clockwise) == PERIMETER
    assert paquis.get(PAQUIS).json()["perimeter"] == PERIMETER


# --- Texts --------------------------------------------------------------------------------------

UNSEEN = ["\u200b", "\u00a0", "\u2060\ufeff", "\u3164", "\u2800", "\u0301", "\u202e", "\U000e0041"]


@each("sent", UNSEEN)
def test_a_text_of_which_nothing_is_seen_is_none(paquis, sent):
    title = paquis.decide("strategic-option-validated", {"subject": sent, "outcome": "validated"})
    assert faults(title)["/data/subject"] in {"blank", "characters"}
    assert faults(paquis.decide("contract-suspended", {"reason": sent})).keys() == {"/data/reason"}
    evidence = paquis.decide("contract-suspended", {"reason": "x"}, evidence=[{"title": sent}])
    assert faults(evidence).keys() == {"/evidence/0/title"}
    departing = {"municipal-council-not-informed": sent}
    departure = paquis.decide("contract-suspended", {"reason": "x"}, departures=departing)
    assert faults(departure).keys() == {"/departures/municipal-council-not-informed"}
    for body in ({"name": sent}, {"name": "A", "contact": sent}):
        (field,) = [name for name, value in body.items() if value == sent]
        assert faults(paquis.post("/api/v1/persons", body)).keys() == {f"/{field}"}


@each("name", ["A\u202eB", "A\nB", "A\tB", "A\u2028B", "A\u200bB"])
def test_a_person_s_name_reads_as_it_is_written(paquis, name):
    assert faults(paquis.post("/api/v1/persons", {"name": name})) == {"/name": "characters"}


def test_an_address_has_lines(paquis):
    body = {"name": "Anna Muster", "contact": "Rue du Test 1\n1201 Genève"}
    assert paquis.post("/api/v1/persons", json.dumps(body).encode()).status_code == 201
