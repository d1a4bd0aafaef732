"""`/changes`: what changed in a view between two dates, and which decision changed it."""

import datetime as dt

import pytest

from infra.recording.submission import today_in_geneva
from tests.api.conftest import problem
from tests.projections.test_changes import follow_json

URL = "/api/v1/contracts/paquis"


def today():
    return today_in_geneva(dt.datetime.now(dt.UTC))


def recorded_at(asking, position):
    return asking.get(f"/api/v1/events/{position}").json()["recorded_at"]


@pytest.fixture
def told(paquis):
    """A contract with a promotion and two needs, one of them expressed in a text."""
    paquis.decide("promotion-started", {"audiences": ["Tous"]}, on="2014-03-10")
    for number, on in (("n1", "2014-03-20"), ("n2", "2014-03-15")):
        answer = paquis.decide(
            "need-expressed",
            {
                "need": number,
                "title": f"Besoin {number}",
                "origin": "promotion",
                "theme": "espace-public",
                "text": f"En nos mots : {number}.",
            },
            on=on,
            body="community_unit",
        )
        assert answer.status_code == 201, answer.content
    return paquis


def test_the_changes_of_an_interval_lead_from_one_answer_to_the_other(told):
    since, until = recorded_at(told, 3), recorded_at(told, 5)
    for view in ("diagnosis", "overview", "timeline", "conformity", "genealogy"):
        path = URL if view == "overview" else f"{URL}/{view}"
        before = told.get(path, {"known_at": since}).json()
        after = told.get(path, {"known_at": until}).json()
        answer = told.get(f"{URL}/{view}/changes", {"from": since, "to": until})
        assert answer.status_code == 200, answer.content
        found = answer.json()
        assert (found["view"], found["from"], found["to"]) == (view, since, until)
        assert follow_json(before, found["changes"]) == after
        assert {each["decision"]["position"] for each in found["changes"]} <= {4, 5}


def test_a_change_names_its_decision(told):
    found = told.get(f"{URL}/diagnosis/changes", {"from": recorded_at(told, 4)}).json()
    (need,) = [each for each in found["changes"] if each["pointer"] == "/needs/n2"]
    assert "before" not in need
    assert need["after"]["text"] == "En nos mots : n2."
    decision = need["decision"]
    assert decision["position"] == 5
    assert decision["type"] == "need-expressed"
    assert decision["body"] == "community_unit"
    assert decision["decided_on"] == "2014-03-15"
    assert decision["recorded_at"] == recorded_at(told, 5)
    assert decision["name"]["en"] == "Need expressed"


def test_the_other_axis_asks_what_was_decided_between_two_days(told):
    query = {"axis": "valid", "from": "2014-03-10", "to": "2014-03-16"}
    found = told.get(f"{URL}/diagnosis/changes", query).json()
    assert {each["decision"]["position"] for each in found["changes"]} == {5}
    before = told.get(f"{URL}/diagnosis", {"valid_at": "2014-03-10"}).json()
    after = told.get(f"{URL}/diagnosis", {"valid_at": "2014-03-16"}).json()
    assert follow_json(before, found["changes"]) == after


def test_without_dates_everything_since_the_beginning_changed_up_to_now(told):
    found = told.get(f"{URL}/overview/changes").json()
    assert found["from"] is None
    assert found["to"] == today().isoformat()
    assert {"pointer": "/title", "before": None, "after": "Pâquis"}.items() <= next(
        each for each in found["changes"] if each["pointer"] == "/title"
    ).items()


def test_a_correction_made_what_it_changed(told):
    answer = told.decide(
        "decision-rectified",
        {"position": 4, "reason": "Faute de frappe.", "fields": {"title": "Des bancs"}},
        on="2014-03-21",
        body="community_unit",
    )
    assert answer.status_code == 201, answer.content
    found = told.get(f"{URL}/diagnosis/changes", {"from": recorded_at(told, 5)}).json()
    (title,) = found["changes"]
    assert title["pointer"] == "/needs/n1/title"
    assert (title["before"], title["after"]) == ("Besoin n1", "Des bancs")
    assert title["decision"]["position"] == 6


def test_texts_are_joined_as_the_present_reader_may_read_them(told, anybody):
    """A need is in residents' own words, which are not for everybody."""
    mine, theirs = (each.get(f"{URL}/diagnosis/changes") for each in (told, anybody))
    assert "En nos mots : n1." in mine.content.decode()
    assert "En nos mots" not in theirs.content.decode()
    assert "[réservé]" in theirs.content.decode()
    assert b'"digest"' not in theirs.content


def test_nothing_changed_between_a_moment_and_itself(told):
    at = recorded_at(told, 4)
    assert told.get(f"{URL}/overview/changes", {"from": at, "to": at}).json()["changes"] == []
    found = told.get(f"{URL}/overview/changes", {"from": today().isoformat()}).json()
    assert found["changes"] == []


def test_the_present_version_need_not_be_sent_again(told):
    answer = told.get(f"{URL}/overview/changes")
    again = told.get(f"{URL}/overview/changes", **{"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


# --- Bad input ----------------------------------------------------------------------------------

TOMORROW = (dt.date.today() + dt.timedelta(days=2)).isoformat()  # noqa: DTZ011 - any later day


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ({"from": "yesterday"}, "/from", "moment"),
        ({"to": "2014-02-30"}, "/to", "moment"),
        ({"from": "2014-03-01T12:00:00"}, "/from", "moment"),
        ({"to": TOMORROW}, "/to", "future"),
        ({"to": f"{TOMORROW}T00:00:00Z"}, "/to", "future"),
        ({"to": "9999-12-31"}, "/to", "future"),
        ({"from": "2013-01-01"}, "/from", "before_the_first"),
        ({"to": "0001-01-01"}, "/to", "before_the_first"),
        ({"from": "2013-01-01", "axis": "valid"}, "/from", "before_the_first"),
        ({"to": "2013-01-01T00:00:00Z", "axis": "valid"}, "/to", "before_the_first"),
        ({"from": TOMORROW, "axis": "valid"}, "/from", "future"),
        ({"from": "2014-03-20", "to": "2014-03-10", "axis": "valid"}, "/from", "order"),
        ({"axis": "both"}, "/axis", "one_of"),
        ({"known_at": "2026-01-01T00:00:00Z"}, "/known_at", "with_axis"),
        ({"valid_at": "2026-01-01", "axis": "valid"}, "/valid_at", "with_axis"),
        (
            {"known_at": "2001-01-01T00:00:00Z", "axis": "valid"},
            "/known_at",
            "before_the_first",
        ),
        ({"since": "2014-01-01"}, "/since", "unknown_parameter"),
    ],
)
def test_dates_that_do_not_fit_are_named(paquis, query, pointer, code):
    for language in ("fr", "en"):
        answer = paquis.speaking(language).get(f"{URL}/overview/changes", query)
        (fault,) = problem(answer, 400, "query")["errors"]
        assert (fault["pointer"], fault["code"]) == (pointer, code)
        assert "{" not in fault["message"]
        assert f"({code})" not in fault["message"]


def test_an_unknown_view_or_contract_is_not_found(told):
    said = problem(told.get(f"{URL}/weather/changes"), 404, "not-found")
    assert "roadmap" in said["detail"]
    problem(told.get("/api/v1/contracts/nope/overview/changes"), 404, "not-found")
