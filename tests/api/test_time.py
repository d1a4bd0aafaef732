"""Two clocks on every read: what had been recorded by an instant, and decided by a day."""

import pytest

from tests.api.conftest import problem

CONTRACT = "/api/v1/contracts/paquis"
PATHS = (
    "",
    *(
        f"/{name}"
        for name in (
            *("roadmap", "bodies", "diagnosis", "funding", "conformity", "timeline"),
            *("plenaries", "genealogy", "history"),
        )
    ),
)
FORMS = ("/conformity.csv", "/conformity.html")


def need(number, title="Des bancs"):
    return {
        "need": number,
        "title": title,
        "origin": "promotion",
        "theme": "espace-public",
        "text": f"Besoin {number}.",
    }


STORY = (
    ("promotion-started", {"audiences": ["Tous"]}, "2014-03-10"),
    ("need-expressed", need("n1"), "2014-03-20"),
    ("need-expressed", need("n2"), "2014-03-12"),
    (
        "decision-rectified",
        {"position": 4, "reason": "Faute.", "fields": {"title": "De l'ombre"}},
        "2014-03-21",
    ),
    ("decision-annulled", {"position": 5, "reason": "Saisi deux fois."}, "2014-03-22"),
    ("promotion-activity-held", {"audience": "Tous", "means": "stall"}, "2014-03-15"),
)


def shown(asking, path, **query):
    """A read without what says at which version of the contract it was made."""
    answer = asking.get(f"{CONTRACT}{path}", query)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    body.pop("version", None)
    return body


@pytest.fixture
def told(paquis):
    """A contract with corrections, and by path what was read after each decision."""
    told_ = {path: [] for path in PATHS}
    for slug, data, on in STORY:
        answer = paquis.decide(slug, data, on=on, body="community_unit")
        assert answer.status_code == 201, answer.content
        for path in PATHS:
            told_[path].append((answer.json()["recorded_at"], shown(paquis, path)))
    return paquis, told_


def test_what_was_known_is_what_was_read_then(told):
    """Corrections since do not change it."""
    asking, read = told
    for path in PATHS:
        for recorded_at, then in read[path]:
            assert shown(asking, path, known_at=recorded_at) == then, path


def test_before_the_correction_one_believed_what_it_corrects(told):
    asking, read = told
    before, after = read["/diagnosis"][2][0], read["/diagnosis"][4][0]

    def believed(at):
        needs = shown(asking, "/diagnosis", known_at=at)["needs"]
        return {key: each["title"] for key, each in needs.items()}

    assert believed(before) == {"n1": "Des bancs", "n2": "Des bancs"}
    assert believed(after) == {"n1": "De l'ombre"}


def test_a_day_asks_for_what_had_been_decided_whenever_it_was_recorded(told):
    asking, _ = told
    assert shown(asking, "/diagnosis", valid_at="2014-03-19")["needs"] == {}
    assert shown(asking, "", valid_at="2014-03-15")["promotion"]["activities"] == 1
    assert shown(asking, "", valid_at="2014-03-14")["promotion"]["activities"] == 0


def test_both_clocks_together_ask_what_one_believed_of_a_day(told):
    asking, read = told
    before, after = read["/diagnosis"][2][0], read["/diagnosis"][4][0]
    day = "2014-03-14"
    believed = shown(asking, "/diagnosis", known_at=before, valid_at=day)["needs"]
    assert set(believed) == {"n2"}
    assert shown(asking, "/diagnosis", known_at=after, valid_at=day)["needs"] == {}


def test_the_present_is_what_is_known_now_and_valid_some_day(told):
    asking, read = told
    for path in PATHS:
        assert shown(asking, path, known_at=read[path][-1][0]) == shown(asking, path)
        assert shown(asking, path, valid_at="2030-01-01").keys() == shown(asking, path).keys()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"known_at": "2014-03-15"}, "instant"),
        ({"known_at": "2014-03-15T00:00:00"}, "instant"),
        ({"valid_at": "2014-03-15T00:00:00Z"}, "date"),
        ({"valid_at": "2014-13-01"}, "date"),
        ({"as_of": "2014-03-15"}, "unknown_parameter"),
    ],
)
def test_a_clock_that_cannot_be_read_is_named(paquis, query, code):
    for path in (*PATHS, *FORMS):
        (fault,) = problem(paquis.get(f"{CONTRACT}{path}", query), 400, "query")["errors"]
        assert (fault["pointer"], fault["code"]) == (f"/{next(iter(query))}", code)


@pytest.mark.parametrize(
    "query", [{"known_at": "2001-01-01T00:00:00Z"}, {"valid_at": "2001-01-01"}]
)
def test_before_its_first_decision_there_is_no_contract(paquis, query):
    for path in {*PATHS, *FORMS} - {"/history"}:
        problem(paquis.get(f"{CONTRACT}{path}", query), 404, "not-found")


def test_every_read_of_a_contract_takes_both_clocks():
    from api.urls import ROUTES  # noqa: PLC0415 - needs settings

    without = {"decisions", "evidence.zip", "counterfactual"}
    for route, endpoint in ROUTES.items():
        _, of_contract, rest = route.partition("contracts/<key:contract>")
        declared = endpoint.operations().get("get")
        if of_contract and declared and rest.strip("/") not in without:
            names = {parameter.name for parameter in declared.parameters}
            assert {"known_at", "valid_at"} <= names, route
