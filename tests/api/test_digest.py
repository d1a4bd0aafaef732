"""The digest of a day, and the reconciliation that asks for it over HTTP."""

import datetime as dt
import hashlib
from http import HTTPStatus

import orjson
import psycopg
import pytest
from typer.testing import CliRunner

import api.resources.digest
from infra.cli.funding import funding_app
from infra.cli.terminal import Failure
from infra.finance import days
from infra.finance.digest import GENEVA, Day, funding_events, recorded_day
from infra.finance.landing import FinanceDatabase, Landed
from infra.finance.reconcile import ask
from tests.api.conftest import each, problem
from tests.api.served import served
from tests.bench.many import fill
from tests.infra.relay.story import Log, committed, fund

DIGEST = "/api/v1/funding/digest"


def today():
    return dt.datetime.now(GENEVA).date()


@pytest.fixture
def log(database):
    log = Log(database.url)
    for contract in ("paquis", "grottes"):
        fund(log, contract, 2)
    yield log
    log.close()


@pytest.fixture
def finance(postgres, database):
    """The address of a finance database, empty."""
    name = f"{database.name}_finance"
    postgres.execute("CREATE DATABASE {name} TEMPLATE template0", name=name)
    yield postgres.address(name)
    postgres.execute("DROP DATABASE {name} WITH (FORCE)", name=name)


def land(finance, events):
    batch = [
        Landed(
            "urn:quartier",
            f"{event['contract']}/{event['version']}",
            event["position"],
            orjson.dumps(event),
            event,
        )
        for event in events
    ]
    with psycopg.connect(finance) as connection:
        landing = FinanceDatabase(connection, "quartier.funding.v1")
        landing.prepare([0], after=None)
        landing.land(batch, {0: (0, len(batch))}, after=0)


def test_the_digest_is_over_the_lines_as_documented(log, anybody):
    answer = anybody.get(DIGEST, {"date": f"{today()}", "lines": "true"})
    told = answer.json()
    assert told["events"] == 18
    assert told["complete"] is False
    text = "".join(f"{line}\n" for line in told["lines"])
    assert told["digest"] == hashlib.sha256(text.encode()).hexdigest()
    short = anybody.get(DIGEST, {"date": f"{today()}"}).json()
    assert short == {key: told[key] for key in ("date", "events", "digest", "complete")}


def test_it_is_asked_again_in_vain_until_an_event_is_recorded(log, anybody):
    query = {"date": f"{today()}"}
    first = anybody.get(DIGEST, query)
    assert first["Cache-Control"] == "no-cache"
    same = {"If-None-Match": first["ETag"]}
    assert anybody.get(DIGEST, query, **same).status_code == HTTPStatus.NOT_MODIFIED
    log.record("paquis", committed("bancs", "1.00"))
    assert anybody.get(DIGEST, query, **same).json()["events"] == 19


def test_a_day_without_events_has_the_digest_of_nothing(log, anybody):
    for day in (today() - dt.timedelta(days=1), dt.date(1950, 1, 1)):
        told = anybody.get(DIGEST, {"date": day.isoformat()}).json()
        assert told == {
            "date": day.isoformat(),
            "events": 0,
            "digest": hashlib.sha256(b"").hexdigest(),
            "complete": True,
        }


def test_a_finished_day_is_worked_out_once_and_is_what_is_folded(database, anybody, monkeypatch):
    fill(40, days=3)
    worked_out = []

    def work_out(day):
        worked_out.append(day)
        return recorded_day(day)

    monkeypatch.setattr(days, "recorded_day", work_out)
    for ago in (0, 1, 2, 3, 4):
        day = today() - dt.timedelta(days=ago)
        folded = {**recorded_day(day).as_json(lines=True), "complete": ago > 0}
        brief = {key: value for key, value in folded.items() if key != "lines"}
        seen = len(worked_out)
        for _ in range(2):
            with_lines = anybody.get(DIGEST, {"date": f"{day}", "lines": "true"})
            assert with_lines.json() == folded
            without = anybody.get(DIGEST, {"date": f"{day}"})
            assert without.json() == brief
            if ago:
                assert without["ETag"] == f'"{folded["digest"]}"'
            same = {"If-None-Match": without["ETag"]}
            assert anybody.get(DIGEST, {"date": f"{day}"}, **same).status_code == 304
        # Neither where nothing was recorded: today, and on the day before the first one.
        assert worked_out[seen:] == ([day] if folded["events"] else [])
    assert len(worked_out) >= 2


@pytest.mark.parametrize(
    "damage",
    ["lines = replace(lines, '0.00', '1.00')", "digest = repeat('0', 64)", "events = events + 1"],
)
def test_a_kept_day_that_was_altered_is_found(database, anybody, damage):
    fill(40, days=2)
    kept = [today() - dt.timedelta(days=ago) for ago in (2, 1)]
    for day in kept:
        anybody.get(DIGEST, {"date": f"{day}"})
    assert list(days.altered()) == []
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute(f"UPDATE funding_day SET {damage} WHERE date = %s", [kept[0]])
    assert list(days.altered()) == [kept[0]]


def test_its_tag_is_known_before_any_work(log, anybody, monkeypatch):
    query = {"date": f"{today()}"}
    tag = {"If-None-Match": anybody.get(DIGEST, query)["ETag"]}
    monkeypatch.setattr(days, "recorded_day", None)
    assert anybody.get(DIGEST, query, **tag).status_code == HTTPStatus.NOT_MODIFIED


def test_a_day_kept_by_an_earlier_version_is_worked_out_again(database, anybody, monkeypatch):
    fill(20, days=1)
    day = today() - dt.timedelta(days=1)
    assert recorded_day(day).events > 0
    with monkeypatch.context() as earlier:
        earlier.setattr(days, "VERSION", "earlier")
        earlier.setattr(days, "recorded_day", lambda date: Day.of(date, 0, ()))
        assert anybody.get(DIGEST, {"date": f"{day}"}).json()["events"] == 0
    for _ in range(2):
        told = anybody.get(DIGEST, {"date": f"{day}"}).json()
        assert told == {**recorded_day(day).as_json(), "complete": True}


def test_a_day_is_not_kept_while_an_append_may_still_belong_to_it(database, anybody, monkeypatch):
    """Its instant was taken before midnight, and it is committed after."""
    day = today() - dt.timedelta(days=1)
    monkeypatch.setattr(days, "LATEST", dt.timedelta(days=3))
    fill(20, days=1)
    before = anybody.get(DIGEST, {"date": f"{day}"}).json()
    assert before["events"] > 0
    fill(20, days=1, prefix="later")
    told = anybody.get(DIGEST, {"date": f"{day}"}).json()
    assert told["events"] == recorded_day(day).events > before["events"]


def test_no_more_days_are_worked_out_at_a_time_than_there_is_room_for(log, anybody):
    with api.resources.digest.FOLDING.slot(), api.resources.digest.FOLDING.slot():
        said = anybody.get(DIGEST, {"date": f"{today()}"})
        problem(said, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")
        assert said["Retry-After"]
    assert anybody.get(DIGEST, {"date": f"{today()}"}).status_code == HTTPStatus.OK


@each(
    ("query", "pointer", "code"),
    [
        ({}, "/date", "missing"),
        ({"date": ""}, "/date", "date"),
        ({"date": "2026-02-30"}, "/date", "date"),
        ({"date": "22.11.2026"}, "/date", "date"),
        ({"date": "2026-11-22T00:00:00Z"}, "/date", "date"),
        ({"date": f"{today() + dt.timedelta(days=1)}"}, "/date", "future"),
        ({"date": "9999-12-31"}, "/date", "future"),
        ({"date": f"{today()}", "lines": "yes"}, "/lines", "one_of"),
        ({"day": f"{today()}"}, "/day", "unknown_parameter"),
    ],
)
def test_what_cannot_be_read_is_said(anybody, query, pointer, code):
    said = problem(anybody.get(DIGEST, query), HTTPStatus.BAD_REQUEST, "query")
    assert [(error["pointer"], error["code"]) for error in said["errors"]] == [(pointer, code)]


def test_there_is_nothing_in_it_that_the_ledger_does_not_show(log, anybody):
    """No text, no person, no account of ours: identifiers, types, days and sums."""
    for line in anybody.get(DIGEST, {"date": f"{today()}", "lines": "true"}).json()["lines"]:
        sequence, event, _, decided_on, account, *sums = line.split(" ")
        assert len(sequence) == 20
        assert event.partition("/")[0] in {"paquis", "grottes"}
        assert dt.date.fromisoformat(decided_on)
        assert account == "bancs/1"
        assert len(sums) == 8


def test_finance_reconciles_with_a_quartier_elsewhere(log, finance, tmp_path):
    day = today()
    land(finance, funding_events(day))
    runner = CliRunner(env={"QUARTIER_FINANCE_DSN": finance})
    with served(tmp_path) as service:
        assert ask(service.address, day) == recorded_day(day)

        def reconcile(date):
            return runner.invoke(
                funding_app, ["reconcile", f"{date}", "--against", service.address]
            )

        agreed = reconcile(day)
        assert agreed.exit_code == 0, agreed.output
        assert "18 funding events on both sides" in agreed.output
        log.record("paquis", committed("bancs", "7.00"))
        differs = reconcile(day)
        assert differs.exit_code == 1
        assert "paquis/11 (funds-committed) was recorded, and is not landed" in differs.output
        early = reconcile(day + dt.timedelta(days=1))
        assert isinstance(early.exception, Failure)
        assert "answers 400" in str(early.exception)
        assert "Lies in the future" in str(early.exception)


def test_a_day_that_has_not_begun_agrees_with_nothing():
    runner = CliRunner(env={"QUARTIER_FINANCE_DSN": "service=finance"})
    early = runner.invoke(funding_app, ["reconcile", f"{today() + dt.timedelta(days=1)}"])
    assert isinstance(early.exception, Failure)
    assert "lies in the future" in str(early.exception)
