"""The conformity report, as JSON, CSV and a page; and what the Pâquis example's says."""

import csv
import datetime as dt
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from projections.conformity.requirement import REQUIREMENTS, State
from tests.api.conftest import problem

URL = "/api/v1/contracts/paquis/conformity"
EXAMPLE = Path(__file__).parents[2] / "infra" / "exchange" / "examples" / "paquis.ndjson"


@pytest.fixture
def example(anybody):
    """The Pâquis example, imported."""
    from infra.exchange.importing import import_file  # noqa: PLC0415 - needs settings

    with EXAMPLE.open("rb") as stream:
        report = import_file(stream, now=dt.datetime.now(dt.UTC))
    assert not report.faulty, report.faults
    return anybody


class Outline(HTMLParser):
    """What is in a page: its tags and its words."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data.strip())


def requirements(asking, query=None):
    return {each["id"]: each for each in asking.get(URL, query or {}).json()["requirements"]}


def events_of(asking, requirement):
    return [
        asking.get(f"/api/v1/events/{position}").json() for position in requirement["positions"]
    ]


# --- What the public record says of the Pâquis contract -----------------------------------------


def test_the_diagnosis_took_far_more_than_ten_months(example):
    asked = requirements(example)["diagnosis-time"]
    assert asked["state"] in {State.MET_LATE, State.DEPARTED}
    assert asked["due"] == "2015-02-16"
    shared = [e for e in events_of(example, asked) if e["type"] == "diagnosis-shared"]
    (decided_on,) = {event["decided_on"] for event in shared}
    assert dt.date.fromisoformat(decided_on) > dt.date(2015, 4, 16)


def test_no_plenary_was_held_in_the_last_year(example):
    asked = requirements(example)["yearly-plenary"]
    assert asked["state"] == State.BROKEN
    held = [e["decided_on"] for e in events_of(example, asked) if e["type"] == "plenary-held"]
    assert {day[:4] for day in held} == {"2014", "2015"}
    assert "contract-interrupted" in {event["type"] for event in events_of(example, asked)}


def test_the_interruption_broke_what_was_still_awaited(example):
    for name in ("parity", "four-years"):
        asked = requirements(example)[name]
        assert asked["state"] == State.BROKEN, asked
    types = {e["type"] for e in events_of(example, requirements(example)["parity"])}
    assert "delegates-resigned" in types
    types = {e["type"] for e in events_of(example, requirements(example)["four-years"])}
    assert "contract-interrupted" in types


def test_nothing_is_awaited_of_a_contract_that_has_ended(example):
    answers = requirements(example)
    assert set(answers) == {requirement.id for requirement in REQUIREMENTS}
    assert State.PENDING not in {each["state"] for each in answers.values()}
    for asked in answers.values():
        assert asked["positions"], asked


def test_in_its_time_the_same_report_said_that_it_was_still_awaited(example):
    asked = requirements(example, {"valid_at": "2015-01-31"})
    assert asked["diagnosis-time"]["state"] == State.PENDING
    assert requirements(example, {"valid_at": "2015-03-31"})["diagnosis-time"]["state"] == "broken"


# --- As CSV -------------------------------------------------------------------------------------


def test_the_csv_has_a_line_for_each_requirement(example):
    answer = example.get(f"{URL}.csv")
    assert answer["Content-Type"].startswith("text/csv; charset=utf-8")
    assert "paquis" in answer["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    told = example.get(URL).json()["requirements"]
    assert [line["requirement"] for line in lines] == [each["id"] for each in told]
    for line, each in zip(lines, told, strict=True):
        assert line["state"] == each["state"]
        assert line["asks_for"] == each["fr"]
        assert line["due"] == (each["due"] or "")
        assert [int(position) for position in line["positions"].split()] == each["positions"]
        for departure in each["departures"]:
            assert departure["justification"] in line["departures"]


def test_no_cell_is_taken_for_a_formula():
    from api.http.spreadsheet import harmless  # noqa: PLC0415 - needs settings

    for cell in ("=1+1", "+41", "-1", "@x", "\tx"):
        assert harmless(cell) == f"'{cell}"
    assert harmless("met") == "met"


# --- As a page ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "title"), [("fr", "Rapport"), ("en", "Conformity report")])
def test_the_page_says_it_all_in_the_readers_language(example, language, title):
    answer = example.speaking(language).get(f"{URL}.html")
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Content-Language"] == language
    page = Outline(answer.content.decode())
    assert ("html", {"lang": language}) in page.tags
    text = " ".join(page.words)
    assert title in text
    for each in example.get(URL).json()["requirements"]:
        assert each[language] in text
        for position in each["positions"]:
            assert ("a", {"href": f"/api/v1/events/{position}"}) in page.tags
    for departure in example.get(URL).json()["departures"]:
        assert departure["justification"] in text


def test_the_page_runs_and_loads_nothing(example):
    answer = example.get(f"{URL}.html")
    tags = {tag for tag, _ in Outline(answer.content.decode()).tags}
    assert not tags & {"script", "link", "img", "iframe", "form"}
    assert "default-src 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("form", ["csv", "html"])
def test_both_answer_as_of_a_date_and_need_not_be_sent_twice(example, form):
    then = example.get(f"{URL}.{form}", {"valid_at": "2015-01-31"})
    assert then.status_code == 200
    assert then.content != example.get(f"{URL}.{form}").content
    etag = then["ETag"]
    same = example.get(f"{URL}.{form}", {"valid_at": "2015-01-31"}, **{"If-None-Match": etag})
    assert same.status_code == 304
    problem(example.get(f"{URL}.{form}", {"valid_at": "2010-01-01"}), 404, "not-found")


@pytest.mark.parametrize("form", ["csv", "html"])
def test_texts_are_shown_as_the_reader_may_read_them(example, form):
    assert "digest" not in example.get(f"{URL}.{form}").content.decode()


def test_what_somebody_wrote_is_not_taken_for_markup(coordinator):
    coordinator.begin(title="<b>Pâquis</b> & cie")
    page = coordinator.get(f"{URL}.html").content.decode()
    assert "<b>" not in page
    assert "&lt;b&gt;Pâquis&lt;/b&gt; &amp; cie" in page


# --- Under another framework --------------------------------------------------------------------


def test_under_the_pilots_framework_durations_would_not_have_counted(example):
    answer = example.get("/api/v1/contracts/paquis/counterfactual", {"framework": "pilots-2009"})
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["own_framework"], told["framework"]) == ("cadre-2014", "pilots-2009")
    no_longer = {finding["rule"] for each in told["decisions"] for finding in each["no_longer"]}
    assert "diagnosis-too-long" in no_longer
    assert not any(each["refused"] or each["unjustified"] for each in told["decisions"])
    answers = {each["id"]: each for each in told["requirements"]}
    assert answers["yearly-plenary"]["own"]["state"] == "broken"
    assert answers["yearly-plenary"]["other"] is None
    assert answers["diagnosis-time"]["other"] is None


def test_under_its_own_framework_nothing_differs(example):
    told = example.get(
        "/api/v1/contracts/paquis/counterfactual", {"framework": "cadre-2014"}
    ).json()
    assert told["decisions"] == told["requirements"] == []


def test_findings_are_told_in_the_readers_language(example):
    def first(language):
        told = example.speaking(language).get(
            "/api/v1/contracts/paquis/counterfactual", {"framework": "pilots-2009"}
        )
        return told.json()["decisions"][0]["no_longer"][0]["message"]

    assert first("fr") != first("en")


@pytest.mark.parametrize(
    ("query", "code"), [({}, "missing"), ({"framework": "cadre-1900"}, "one_of")]
)
def test_a_framework_that_there_is_must_be_named(paquis, query, code):
    answer = paquis.get("/api/v1/contracts/paquis/counterfactual", query)
    (fault,) = problem(answer, 400, "query")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/framework", code)


def test_before_the_contract_there_is_nothing_to_judge(paquis):
    query = {"framework": "pilots-2009", "known_at": "2001-01-01T00:00:00Z"}
    problem(paquis.get("/api/v1/contracts/paquis/counterfactual", query), 404, "not-found")
    problem(
        paquis.get("/api/v1/contracts/nope/counterfactual", {"framework": "pilots-2009"}),
        404,
        "not-found",
    )


def test_the_answers_are_json_that_can_be_read(example):
    assert json.loads(example.get(URL).content)["framework"] == "cadre-2014"
