"""Reading contracts: today, as of a date, in one's language, with one's permissions."""

import datetime as dt

import pytest
from openapi_schema_validator import OAS31Validator

from tests.api.conftest import each, problem

VIEWS = (
    "",
    "/bodies",
    "/conformity",
    "/diagnosis",
    "/funding",
    "/genealogy",
    "/plenaries",
    "/roadmap",
    "/timeline",
)
PAQUIS = "/api/v1/contracts/paquis"


@pytest.fixture
def examples(database):
    """Both examples imported, and every read model up to date."""
    from infra.operations.background import runner  # noqa: PLC0415 - needs settings
    from infra.operations.up import EXAMPLES, import_examples  # noqa: PLC0415

    assert import_examples()
    assert runner().catch_up()
    return [file.stem for file in EXAMPLES]


@pytest.fixture
def history(examples, anybody):
    """The decisions of Pâquis, as anybody reads them."""
    answer = anybody.get(f"{PAQUIS}/history", {"limit": 1000})
    assert answer.status_code == 200
    return answer.json()["results"]


# --- Views --------------------------------------------------------------------------------------


@each("view", VIEWS)
def test_every_view_of_every_contract_answers(examples, anybody, view):
    for contract in examples:
        answer = anybody.get(f"/api/v1/contracts/{contract}{view}")
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert body["contract"] == contract
        assert answer["ETag"].startswith(f'"{body["version"]}')
        assert answer["Cache-Control"] == "no-cache"
        assert b'"digest"' not in answer.content


@each("view", VIEWS)
def test_today_is_the_same_whether_stored_or_folded(examples, anybody, view):
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    stored = anybody.get(f"{PAQUIS}{view}")
    folded = anybody.get(f"{PAQUIS}{view}", {"known_at": now})
    assert stored.json() == folded.json()


@each("view", [*VIEWS, "/history"])
def test_what_the_reader_has_is_not_sent_again(examples, anybody, view):
    first = anybody.get(PAQUIS + view)
    again = anybody.get(PAQUIS + view, **{"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again["ETag"] == first["ETag"]
    weak = anybody.get(PAQUIS + view, **{"If-None-Match": f'"x", W/{first["ETag"]}'})
    assert weak.status_code == 304
    other = anybody.get(PAQUIS + view, **{"If-None-Match": '"1"'})
    assert other.status_code == 200


def test_the_past_is_folded_by_what_had_been_decided(examples, anybody):
    assert anybody.get(PAQUIS).json()["standing"] == "interrupted"
    then = anybody.get(PAQUIS, {"valid_at": "2014-12-31"}).json()
    assert then["standing"] == "under_way"
    assert then["counts"]["decisions"] < anybody.get(PAQUIS).json()["counts"]["decisions"]


@each("view", [*VIEWS, "/history"])
def test_before_it_was_initiated_there_is_no_contract(examples, anybody, view):
    if view != "/history":
        problem(anybody.get(PAQUIS + view, {"valid_at": "2009-01-01"}), 404, "not-found")
        early = anybody.get(PAQUIS + view, {"known_at": "2020-01-01T00:00:00Z"})
        problem(early, 404, "not-found")
    problem(anybody.get(f"/api/v1/contracts/nowhere{view}"), 404, "not-found")


def test_what_was_known_then_does_not_show_what_was_recorded_later(paquis, anybody):
    suspended = paquis.decide("contract-suspended", {"reason": "Pause."}, on="2014-05-01").json()
    paquis.decide("contract-resumed", {"reason": "Reprise."}, on="2014-06-01")
    path = f"{PAQUIS}"
    assert anybody.get(path).json()["standing"] == "under_way"
    known = {"known_at": suspended["recorded_at"]}
    assert anybody.get(path, known).json()["standing"] == "suspended"
    assert len(anybody.get(f"{path}/history", known).json()["results"]) == 3
    both = known | {"valid_at": "2014-04-30"}
    assert anybody.get(path, both).json()["standing"] == "under_way"


def test_a_rectified_decision_is_shown_as_corrected_and_as_it_was(paquis, anybody):
    corrected = paquis.decide(
        "decision-rectified",
        {"position": 1, "reason": "Faute de frappe.", "fields": {"title": "Les Pâquis"}},
        body="administrative_council",
    )
    assert corrected.status_code == 201, corrected.content
    assert anybody.get(PAQUIS).json()["title"] == "Les Pâquis"
    before = anybody.get("/api/v1/events/2").json()["recorded_at"]
    assert anybody.get(PAQUIS, {"known_at": before}).json()["title"] == "Pâquis"
    first, *_ = anybody.get(f"{PAQUIS}/history").json()["results"]
    assert first["data"]["title"] == "Pâquis"
    assert first["corrected_by"] == 3
    (first,) = anybody.get(f"{PAQUIS}/history", {"limit": 1}).json()["results"]
    assert first["corrected_by"] == 3, "though the correction is on another page"


def test_pages_of_a_history_are_the_whole_of_it(history, anybody):
    middle = history[len(history) // 2]
    valid_at = sorted(each["decided_on"] for each in history)[len(history) // 2]
    for asked, wanted in (
        ({}, lambda _: True),
        ({"known_at": middle["recorded_at"]}, lambda r: r["recorded_at"] <= middle["recorded_at"]),
        ({"valid_at": valid_at}, lambda r: r["decided_on"] <= valid_at),
    ):
        found, following = [], f"{PAQUIS}/history"
        while following:
            body = anybody.get(following, {"limit": 7, **asked} if not found else {}).json()
            assert len(body["results"]) <= 7
            found += body["results"]
            following = body["next"]
        assert found == [each for each in history if wanted(each)]


@pytest.fixture
def schema(anybody):
    """A validator of what OpenAPI says that a GET of this path answers."""
    document = anybody.get("/api/schema").json()

    def of(path):
        answer = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        return OAS31Validator({"components": document["components"], **answer["schema"]})

    return of


CONTRACT = "/api/v1/contracts/{contract}"


@each(
    "path",
    [
        *(CONTRACT + view for view in VIEWS),
        f"{CONTRACT}/history",
        f"{CONTRACT}/decisions",
        "/api/v1/calendar",
        "/api/v1/contracts",
        "/api/v1/decision-types",
        "/api/v1/events",
        "/api/v1/funding/entries",
        "/api/v1/funding/ledger",
        "/api/v1/funding/sums",
        "/api/v1/reference",
        "/api/v1/silences",
        "/health/live",
        "/health/ready",
    ],
)
def test_real_answers_are_what_the_schema_says(examples, anybody, schema, path):
    validator = schema(path)
    for contract in examples if "{" in path else [""]:
        answer = anybody.get(path.format(contract=contract))
        errors = [
            f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer.json())
        ]
        assert errors[:3] == []
        assert len(answer.content) > 10


@each("query", [{"valid_at": "2014-12-31"}, {"valid_at": "2015-12-31"}, {"valid_at": "2016-12-31"}])
def test_past_answers_are_what_the_schema_says(examples, anybody, schema, query):
    for view in VIEWS:
        answer = anybody.get(PAQUIS + view, query)
        assert not list(schema(CONTRACT + view).iter_errors(answer.json()))


# --- History ------------------------------------------------------------------------------------


def test_the_history_is_paged_by_version(history, anybody):
    collected, url = [], f"{PAQUIS}/history?limit=7"
    while url:
        page = anybody.client.get(url).json()
        assert len(page["results"]) <= 7
        collected += page["results"]
        url = page["next"]
    assert collected == history
    assert [each["version"] for each in history] == list(range(1, len(history) + 1))


def test_the_history_says_who_when_on_what_basis_and_why_not(history):
    for entry in history:
        assert {"body", "basis", "decided_on", "recorded_at", "recorded_by", "evidence"} <= set(
            entry
        )
        assert set(entry["name"]) == {"fr", "en"}
    departed = [entry for entry in history if entry["departures"]]
    assert departed
    assert all(isinstance(why, str) for entry in departed for why in entry["departures"].values())


# --- Permissions --------------------------------------------------------------------------------


def needs(answer):
    return [each for each in answer.json()["results"] if each["type"] == "need-expressed"]


def test_restricted_texts_are_for_those_who_may_read_them(examples, anybody, as_role):
    path, query = f"{PAQUIS}/history", {"limit": 1000}
    hidden = needs(anybody.get(path, query))
    assert hidden
    assert {each["data"]["text"] for each in hidden} == {"[réservé]"}
    for role in ("service", "finance"):
        assert needs(as_role(role).get(path, query)) == hidden
    for role in ("coordinator", "auditor", "admin"):
        shown = needs(as_role(role).get(path, query))
        assert "[réservé]" not in {each["data"]["text"] for each in shown}
    english = needs(anybody.speaking("en").get(path, query))
    assert {each["data"]["text"] for each in english} == {"[restricted]"}


@each("view", [*VIEWS, "/history"])
def test_the_past_is_shown_by_todays_permissions(examples, anybody, as_role, view):
    """Nothing that the present hides is in yesterday's answer."""
    told = needs(as_role("auditor").get(f"{PAQUIS}/history", {"limit": 1000}))
    secrets = {each["data"]["text"] for each in told}
    for query in ({}, {"valid_at": "2016-01-01"}, {"known_at": "2099-01-01T00:00:00Z"}):
        shown = anybody.get(PAQUIS + view, query).content.decode()
        assert not [secret for secret in secrets if secret in shown]


def test_who_records_a_restricted_text_does_not_read_it_back_unless_he_may(paquis, as_role):
    need = {
        "need": "n1",
        "title": "Un préau",
        "origin": "written",
        "theme": "espace-public",
        "text": "Le soir, tout est fermé.",
    }
    answer = as_role("service").decide("need-expressed", need)
    assert answer.json()["data"]["text"] == "[réservé]"
    answer = paquis.decide("need-expressed", need | {"need": "n2"})
    assert answer.json()["data"]["text"] == need["text"]


def test_an_erased_text_reads_as_erased_everywhere(paquis, anybody):
    paquis.decide("contract-suspended", {"reason": "Un secret."}, on="2014-05-01")
    text = anybody.get("/api/v1/events/3").json()["data"]["reason"]["text"]
    erased = paquis.decide(
        "text-erased",
        {"text": text, "basis_of_erasure": "LIPAD 47"},
        on="2014-05-02",
        body="project_lead",
    )
    assert erased.status_code == 201, erased.content
    for path in ("", "/history", "/timeline"):
        assert "Un secret" not in paquis.get(PAQUIS + path).content.decode()
    assert paquis.get(PAQUIS).json()["suspended"]["reason"] == "[texte effacé]"
    assert anybody.get("/api/v1/events/3").status_code == 200


# --- Lists across contracts ---------------------------------------------------------------------


def walk(asking, path, **query):
    """Every result, page by page."""
    answer = asking.get(f"/api/v1/{path}", query | {"limit": 3})
    while True:
        assert answer.status_code == 200, answer.content
        page = answer.json()
        yield from page["results"]
        if page["next"] is None:
            return
        answer = asking.client.get(page["next"])


def test_the_register_lists_and_finds_contracts(examples, anybody):
    assert [each["contract"] for each in walk(anybody, "contracts")] == sorted(examples)
    assert [each["contract"] for each in walk(anybody, "contracts", q="paquis")] == ["paquis"]
    ended = walk(anybody, "contracts", standing="interrupted")
    assert [each["contract"] for each in ended] == ["paquis"]
    entry = next(walk(anybody, "contracts", q="paquis"))
    inside = (
        f"{(entry['west'] + entry['east']) / 2:.5f},{(entry['south'] + entry['north']) / 2:.5f}"
    )
    assert "paquis" in [each["contract"] for each in walk(anybody, "contracts", at=inside)]
    assert list(walk(anybody, "contracts", at="6.0,46.3")) == []
    box = "{west},{south},{east},{north}".format(**entry)
    assert "paquis" in [each["contract"] for each in walk(anybody, "contracts", bbox=box)]
    written_by_a_map = "6.139831542968751,46.1900000000000004,6.16,46.22"
    assert list(walk(anybody, "contracts", bbox=written_by_a_map))


def test_the_ledger_adds_up(examples, anybody):
    from decimal import Decimal  # noqa: PLC0415

    from projections.tables.ledger import Account  # noqa: PLC0415

    accounts = [str(account) for account in Account]
    balances = list(walk(anybody, "funding/ledger"))
    assert balances
    for balance in balances:
        assert sum(Decimal(balance[name]) for name in accounts) == 0
    entries = list(walk(anybody, "funding/entries", contract="vieux-moulin"))
    assert entries
    places = [(each["position"], each["seq"]) for each in entries]
    assert places == sorted(set(places))
    assert {each["contract"] for each in entries} == {"vieux-moulin"}


def test_the_calendar_and_the_silences_are_lists(examples, anybody):
    days = list(walk(anybody, "calendar", **{"from": "2014-01-01", "to": "2017-12-31"}))
    assert days
    assert [each["day"] for each in days] == sorted(each["day"] for each in days)
    assert {each["occasion"] for each in walk(anybody, "calendar", occasion="plenary")} == {
        "plenary"
    }
    answered = list(walk(anybody, "silences", state="all"))
    assert len(answered) > len(list(walk(anybody, "silences")))


# --- Language -----------------------------------------------------------------------------------


@each(
    ("accept", "language"),
    [
        (None, "fr"),
        ("en", "en"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("fr-CH, en;q=0.9", "fr"),
        ("de, it;q=0.5", "fr"),
        ("de, en;q=0.5", "en"),
        ("*", "fr"),
        ("\x7f;;q=x,,", "fr"),
        ("en;q=0", "fr"),
    ],
)
def test_problems_are_told_in_the_readers_language(anybody, accept, language):
    asking = anybody if accept is None else anybody.speaking(accept)
    answer = asking.get("/api/v1/contracts/nowhere/history")
    told = problem(answer, 404, "not-found")
    assert told["title"] == {"fr": "Introuvable", "en": "Not found"}[language]
    assert answer["Content-Language"] == language


def test_findings_and_fields_are_told_in_both_languages(paquis):
    for language, rule, field in (
        ("fr", "La promotion n'a pas commencé.", "Ce champ est requis."),
        ("en", "Promotion has not started.", "Field required"),
    ):
        asking = paquis.speaking(language)
        held = {"audience": "Tous", "means": "stall"}
        refused = problem(asking.decide("promotion-activity-held", held), 409, "rules")
        assert refused["findings"][0]["message"] == rule
        wrong = problem(asking.decide("promotion-activity-held", {}), 422, "fields")
        assert {each["message"] for each in wrong["errors"]} == {field}


def test_what_is_stored_is_answered_without_the_history(examples, anybody, monkeypatch):
    monkeypatch.setattr("api.resources.histories.history_of", lambda _: pytest.fail("it was read"))
    for view in VIEWS:
        answer = anybody.get(PAQUIS + view)
        assert answer.status_code == 200
        again = anybody.get(PAQUIS + view, **{"If-None-Match": answer["ETag"]})
        assert again.status_code == 304


# --- HEAD ---------------------------------------------------------------------------------------

OWN = {"Content-Length", "X-Request-ID"}


@each(
    ("path", "accept"),
    [
        *((PAQUIS + view, "*/*") for view in VIEWS),
        *((PAQUIS + rest, "*/*") for rest in ("/history", "/decisions", "/timeline/changes")),
        *((f"{PAQUIS}/conformity.{form}", "*/*") for form in ("csv", "html")),
        (f"{PAQUIS}/counterfactual?framework=pilots-2009", "*/*"),
        ("/api/v1/events", "*/*"),
        ("/api/v1/events", "application/x-ndjson"),
        ("/api/v1/decision-types", "*/*"),
        ("/api/v1/funding/sums", "*/*"),
        ("/api/v1/funding/sums.csv?by=service", "*/*"),
        ("/api/v1/funding/sums.xlsx?by=service", "*/*"),
        ("/api/schema", "*/*"),
        ("/health/live", "*/*"),
        (f"{PAQUIS}/history?limit=0", "*/*"),
        ("/api/v1/contracts/nowhere/history", "*/*"),
        ("/api/v1/funding/sums.xlsx?by=nothing", "*/*"),
    ],
)
def test_head_says_what_get_says(examples, anybody, path, accept):
    headers = {"Accept": accept}
    got, asked = (
        anybody.client.get(path, headers=headers),
        anybody.client.head(path, headers=headers),
    )
    length = len(b"".join(got.streaming_content) if got.streaming else got.content)
    got.close()
    assert asked.status_code == got.status_code
    assert asked.headers.keys() - OWN == got.headers.keys() - OWN
    for name in asked.headers.keys() - OWN:
        assert asked[name] == got[name]
    assert asked.headers.get("Content-Length", str(length)) == str(length)


@pytest.mark.parametrize(
    ("path", "maker"),
    [
        (f"{PAQUIS}/history", "api.resources.history.recorded_json"),
        (
            f"{PAQUIS}/counterfactual?framework=pilots-2009",
            "api.resources.counterfactual.counterfactual",
        ),
        (f"{PAQUIS}/conformity.html", "api.resources.conformity.report_on"),
        ("/api/v1/funding/sums.xlsx", "api.resources.funding_files.cells"),
    ],
)
def test_head_is_answered_without_making_the_answer(examples, anybody, monkeypatch, path, maker):
    monkeypatch.setattr(maker, None)  # using it would fail
    assert anybody.client.head(path).status_code == 200
    assert anybody.client.get(path).status_code == 500
