"""How far read models are behind the log is told; one's own decisions are waited for, a moment."""

import re
import threading

import pytest

from api.http import freshness

LIST = "/api/v1/contracts"
HEADER = "Quartier-Position"


@pytest.fixture
def follow(database):
    """Takes in what is recorded, as the worker would."""
    from infra.operations.background import runner  # noqa: PLC0415 - needs settings

    assert runner().catch_up()
    return lambda: runner().catch_up()


@pytest.fixture
def no_wait(monkeypatch):
    monkeypatch.setattr("api.http.freshness.time.sleep", lambda _: pytest.fail("it was waited for"))


def test_a_list_says_where_it_stands(follow, coordinator, anybody):
    assert anybody.get(LIST)[HEADER] == "0"
    coordinator.begin()
    behind = anybody.get(LIST)
    assert (behind[HEADER], behind.json()["results"]) == ("0", [])
    follow()
    shown = coordinator.get(LIST)
    assert shown[HEADER] == "1"
    assert [each["contract"] for each in shown.json()["results"]] == ["paquis"]


def test_an_account_waits_for_what_it_has_recorded(follow, coordinator, monkeypatch):
    from django.db import connection  # noqa: PLC0415 - needs settings

    monkeypatch.setattr("api.http.freshness.PATIENCE", 60)  # however busy this machine is
    coordinator.begin()

    def take_in():
        follow()
        connection.close()

    worker = threading.Timer(0.3, take_in)
    worker.start()
    shown = coordinator.get(LIST)
    worker.join()
    assert shown[HEADER] == "1"
    assert [each["contract"] for each in shown.json()["results"]] == ["paquis"]


def test_what_others_have_recorded_is_not_waited_for(follow, coordinator, as_role, no_wait):
    coordinator.begin()
    assert as_role("auditor").get(LIST)[HEADER] == "0"


def test_a_worker_that_is_known_to_be_down_is_not_waited_for(follow, coordinator, monkeypatch):
    monkeypatch.setattr("api.http.freshness.PATIENCE", 0.05)
    coordinator.begin()
    assert coordinator.get(LIST)[HEADER] == "0"  # which takes as long as anybody waits
    monkeypatch.setattr("api.http.freshness.time.sleep", lambda _: pytest.fail("it was waited for"))
    for path in (LIST, "/api/v1/calendar", "/api/v1/funding/sums.csv"):
        answer = coordinator.get(path)
        answer.close()
        assert answer[HEADER] == "0"


def test_a_worker_that_is_far_behind_is_not_waited_for(follow, coordinator, no_wait, monkeypatch):
    monkeypatch.setattr("api.http.freshness.BEHIND", 2)
    coordinator.begin()
    coordinator.begin("grottes")
    assert coordinator.get(LIST)[HEADER] == "0"


def test_few_wait_at_once_and_the_others_are_answered(follow, coordinator, no_wait, monkeypatch):
    monkeypatch.setattr("api.http.freshness.WAITERS", threading.BoundedSemaphore(1))
    coordinator.begin()
    with freshness.WAITERS:
        assert coordinator.get(LIST)[HEADER] == "0"


# --- Every answer from read models --------------------------------------------------------------


@pytest.fixture
def addresses(anybody, paquis, follow):
    """Every address that can be read, of a contract that there is."""
    paths = anybody.get("/api/schema").json()["paths"]
    known = {"contract": "paquis", "view": "overview", "slug": "perimeter-set", "position": "1"}
    known |= {
        "name": "fields",
        "sha256": "0" * 64,
        "person": "00000000-0000-4000-8000-000000000000",
    }
    needed = {"/api/v1/funding/digest": {"date": "2016-01-01"}}
    needed["/api/v1/contracts/{contract}/counterfactual"] = {"framework": "pilots-2009"}
    return {
        path: (re.sub(r"\{(\w+)\}", lambda slot: known[slot[1]], path), needed.get(path, {}), item)
        for path, item in paths.items()
        if "get" in item and not path.startswith(("/health/", "/metrics"))
    }


def test_whatever_is_read_from_read_models_says_where_it_stands(addresses, paquis, database):
    """Known by what cannot be answered any more once nobody may read them."""
    import psycopg  # noqa: PLC0415

    def answers():
        found = {}
        for path, (address, query, _) in addresses.items():
            found[path] = paquis.get(address, query)
            found[path].close()
        return found

    before = answers()
    with psycopg.connect(database.url, autocommit=True) as owner:
        tables = owner.execute(
            "SELECT string_agg(quote_ident(relname), ', ') FROM pg_class"
            " WHERE relkind IN ('r', 'v', 'p') AND relnamespace = 'public'::regnamespace"
            " AND (relname = 'projection_position' OR relname LIKE '%\\_rows'"
            " OR relname IN ('view_document', 'funding_day'))"
        ).fetchone()[0]
        owner.execute(f"REVOKE ALL ON {tables} FROM quartier_app, PUBLIC")
    after = answers()
    from_read_models = {path for path in before if after[path].status_code == 500}
    assert len(from_read_models) > 10
    for path, answer in before.items():
        assert (HEADER in answer) == (path in from_read_models), path
        described = addresses[path][2]["get"]["responses"].get("200", {}).get("headers", {})
        assert (HEADER in described) == (path in from_read_models), path
