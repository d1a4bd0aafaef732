"""The ledger over HTTP: its parts, its sums, its past; and each of them as a file."""

import csv
import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest

import api.resources.funding
from api.resources.funding import QUESTIONS
from infra.eventstore.source import StoredEvents
from projections.engine.rebuild import rebuild
from projections.engine.sql import select
from projections.tables.ledger import Account, ledger
from tests.api.conftest import each, problem
from tests.infra.relay.story import Log, annulled, committed, fund, rectified, spent
from tests.infra.store.acts import begin

FUNDING = "/api/v1/funding"
CONTRACTS = "/api/v1/contracts"
NAMES = [question.name for question in QUESTIONS]
ACCOUNTS = [account.value for account in Account]
BY = {"by": "service,year"}


@pytest.fixture
def examples(database):
    """Both examples imported, and every read model up to date."""
    from infra.operations.background import runner  # noqa: PLC0415 - needs settings
    from infra.operations.up import import_examples  # noqa: PLC0415

    assert import_examples()
    assert runner().catch_up()


def results(asking, name, **query):
    """Everything, page by page."""
    answer, found = asking.get(f"{FUNDING}/{name}", {"limit": 3, **query}), []
    while True:
        assert answer.status_code == 200, answer.content
        page = answer.json()
        found += page["results"]
        if page["next"] is None:
            return found
        answer = asking.client.get(page["next"])


def content(answer):
    assert answer.status_code == 200, getattr(answer, "content", None)
    sent = b"".join(answer.streaming_content)
    assert len(sent) == int(answer["Content-Length"])
    return sent


def read_csv(asking, name, **query):
    """Header and lines, as a program reads them."""
    text = content(asking.get(f"{FUNDING}/{name}.csv", query)).decode("utf-8-sig")
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    return header, [dict(zip(header, line, strict=True)) for line in lines]


def read_xlsx(asking, name, **query):
    """The sheets of a workbook, each as lists of values."""
    book = openpyxl.load_workbook(io.BytesIO(content(asking.get(f"{FUNDING}/{name}.xlsx", query))))
    return {sheet.title: [[cell.value for cell in row] for row in sheet] for sheet in book}


def flattened(row):
    """A row of JSON under the names that files have."""
    found = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found.update({f"{name}_{inner}": amount for inner, amount in value.items()})
        else:
            found[name] = value
    return found


def test_sums_are_added_up_again_only_when_money_has_moved(database, anybody, monkeypatch):
    """And then by whatever has changed them, a correction or a rebuild among it."""
    from infra.operations.background import runner  # noqa: PLC0415 - needs settings

    run = []

    def find(statement, parameters):
        run.append(statement)
        return select(statement, parameters)

    monkeypatch.setattr(api.resources.funding, "select", find)
    log = Log(database.url)

    def spent_in_all():
        """As told twice, and as the balances say; and whether it was added up for that."""
        runner().catch_up()
        seen = len(run)
        told = [results(anybody, "sums", limit=100, by="contract") for _ in range(2)]
        assert told[0] == told[1]
        of_balances = sum(Decimal(row["spent"]) for row in results(anybody, "ledger"))
        assert sum(Decimal(row["held"]["spent"]) for row in told[0]) == of_balances
        return of_balances, len(run) - seen

    try:
        fund(log, "paquis", 2)
        before, added_up = spent_in_all()
        assert (before > 0, added_up) == (True, 1)
        assert spent_in_all() == (before, 0)
        for move in (committed("bancs", "80.00"), spent("bancs", "50.00")):
            last = log.record("paquis", move)
        assert spent_in_all() == (before + 50, 1)
        log.record("paquis", rectified(last, amount="20.00"))
        assert spent_in_all() == (before + 20, 1)
        log.record("paquis", annulled(last))
        assert spent_in_all() == (before, 1)
        begin("grottes")
        assert spent_in_all() == (before, 0)
        rebuild(StoredEvents(), [ledger])
        assert spent_in_all() == (before, 1)
    finally:
        log.close()


QUERIES = [
    *((name, {}) for name in NAMES),
    *((name, {"contract": "vieux-moulin", "year": "2021"}) for name in NAMES),
    *((name, {"contract": "vieux-moulin", "valid_at": "2021-06-30"}) for name in NAMES),
    ("sums", BY),
    ("sums", {"by": "contract,kind,year,service,action"}),
    ("ledger", {"kind": "municipal_credit"}),
    ("entries", {"service": "nobody"}),
]


@each(["name", "query"], QUERIES)
def test_csv_holds_what_the_json_holds(examples, anybody, name, query):
    header, lines = read_csv(anybody, name, **query)
    rows = [flattened(row) for row in results(anybody, name, **query)]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        expected = {key: "" if value is None else str(value) for key, value in row.items()}
        assert line == {column: expected[column] for column in header}
        assert not any(value for column, value in expected.items() if column not in header)


@each(["name", "query"], QUERIES)
def test_xlsx_holds_what_the_json_holds(examples, anybody, name, query):
    (_, *lines), _ = read_xlsx(anybody.speaking("fr"), name, **query).values()
    header, _ = read_csv(anybody, name, **query)
    rows = [flattened(row) for row in results(anybody, name, **query)]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        for value, column in zip(line, header, strict=True):
            assert same(value, row[column], column)


def same(cell, value, column):
    """Whether a cell shows a value of JSON: sums as numbers, days as days, the rest in words."""
    if value is None:
        return cell is None
    if isinstance(value, int):
        return cell == value
    if column == "decided_on":
        return cell == dt.datetime.combine(dt.date.fromisoformat(value), dt.time())
    if column in {"kind", "debit", "credit", "service"}:
        return isinstance(cell, str)
    if column.startswith(("held_", "moved_")) or column in {*ACCOUNTS, "enforceable", *SUMS}:
        return isinstance(cell, int | float) and Decimal(str(cell)) == Decimal(value)
    return cell == value


SUMS = {"gross", "net", "amount"}


def test_xlsx_speaks_the_reader_s_language(examples, anybody):
    french = read_xlsx(anybody.speaking("fr"), "entries")
    english = read_xlsx(anybody.speaking("en"), "entries")
    assert list(french) == ["Écritures", "À propos"]
    assert list(english) == ["Entries", "About"]
    assert {"Exercice", "Débit (vers)"} <= set(french["Écritures"][0])
    assert {"Accounting year", "Debit (to)"} <= set(english["Entries"][0])
    assert any("disponible" in row for row in french["Écritures"])
    assert any("available" in row for row in english["Entries"])
    assert any("Service de la jeunesse" in row for row in french["Écritures"])


@each("form", ["csv", "xlsx"])
def test_a_file_says_what_it_is(examples, anybody, form):
    answer = anybody.get(
        f"{FUNDING}/ledger.{form}", {"contract": "paquis", "valid_at": "2016-12-31"}
    )
    name = f'attachment; filename="ledger-paquis-2016-12-31.{form}"'
    assert answer["Content-Disposition"] == name
    assert answer["Cache-Control"] == "no-cache"
    assert "Accept-Language" in answer["Vary"]
    media_type = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats"}[form]
    assert answer["Content-Type"].startswith(media_type)
    content(answer)


def test_a_finance_officer_asks_by_service_and_year(examples, anybody):
    found = results(anybody, "sums", **BY)
    keys = [(row["service"], row["year"]) for row in found]
    assert keys == sorted(keys)
    assert {row["contract"] for row in found} == {None}
    for row in found:
        held = {name: Decimal(amount) for name, amount in row["held"].items()}
        assert sum(held[name] for name in ACCOUNTS) == 0
    (total,) = results(anybody, "sums")
    for name, amount in total["moved"].items():
        assert Decimal(amount) == sum(Decimal(row["moved"][name]) for row in found)
    spent = sum(Decimal(row["spent"]) for row in results(anybody, "ledger"))
    assert Decimal(total["held"]["spent"]) == spent > 0


def test_the_ledger_of_a_contract_as_of_a_day_is_that_of_the_funding_view(examples, anybody):
    """Two read models, folded apart, say the same of any day."""
    for day in ("2016-03-01", "2020-12-31", "2021-12-31", "2026-11-22"):
        for contract in ("paquis", "vieux-moulin"):
            at = {"valid_at": day}
            view = anybody.get(f"{CONTRACTS}/{contract}/funding", at)
            if view.status_code == 404:
                continue
            held = results(anybody, "sums", contract=contract, **at)
            total = held[0]["held"] if held else dict.fromkeys(ACCOUNTS, "0.00")
            for name in ("available", "committed", "spent", "released"):
                assert total[name] == view.json()["total"][name], (contract, day, name)


def test_what_was_known_then_is_known_again(examples, coordinator, anybody):
    """A correction recorded later changes nothing of what was known before it."""
    history = anybody.get(f"{CONTRACTS}/vieux-moulin/history", {"limit": 1000}).json()["results"]
    known_at = history[-1]["recorded_at"]
    known = results(anybody, "entries", contract="vieux-moulin", known_at=known_at)
    spent = next(row for row in history if row["type"] == "expenditure-recorded")
    answer = coordinator.decide(
        "decision-rectified",
        {"position": spent["position"], "fields": {"reference": "Facture 2"}, "reason": "Erreur."},
        on="2024-01-10",
        contract="vieux-moulin",
        body=spent["body"],
    )
    assert answer.status_code == 201, answer.content
    at = {"contract": "vieux-moulin", "known_at": known_at}
    assert results(anybody, "entries", **at) == known
    later = answer.json()["recorded_at"]
    now = results(anybody, "entries", contract="vieux-moulin", known_at=later)
    changed = [after for before, after in zip(known, now, strict=True) if before != after]
    assert [(row["position"], row["reference"]) for row in changed] == [
        (spent["position"], "Facture 2")
    ]


def test_a_contract_that_nobody_knows_has_no_past(examples, anybody):
    assert results(anybody, "ledger", contract="nobody") == []
    for name in (*NAMES, *(f"{name}.csv" for name in NAMES)):
        query = {"contract": "nobody", "valid_at": "2020-01-01"}
        problem(anybody.get(f"{FUNDING}/{name}", query), 404, "not-found")
        before = {"contract": "paquis", "valid_at": "2001-01-01"}
        problem(anybody.get(f"{FUNDING}/{name}", before), 404, "not-found")


@each(
    ["name", "query", "pointer"],
    [
        ("ledger", {"valid_at": "2020-01-01"}, "/valid_at"),
        ("sums.xlsx", {"known_at": "2020-01-01T00:00:00Z"}, "/known_at"),
        ("sums", {"by": "service,service"}, "/by"),
        ("sums", {"by": "colour"}, "/by"),
        ("sums", {"by": ""}, "/by"),
        ("sums", {"by": "action,year"}, "/by"),
        ("sums", {"action": "bancs"}, "/action"),
        ("sums", {"by": "year", "after": "WyJ4Il0"}, "/after"),
        ("sums", {"by": "year", "after": "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwXQ"}, "/after"),
        ("ledger", {"by": "year"}, "/by"),
        ("ledger", {"kind": "loan"}, "/kind"),
        ("entries", {"year": "MMXX"}, "/year"),
        ("entries", {"year": "1"}, "/year"),
        ("entries.csv", {"limit": "3"}, "/limit"),
        ("entries.csv", {"service": "=1+1"}, "/service"),
    ],
)
def test_what_cannot_be_asked_is_refused(examples, anybody, name, query, pointer):
    answer = anybody.get(f"{FUNDING}/{name}", query)
    (error,) = problem(answer, 400, "query")["errors"]
    assert error["pointer"] == pointer
    assert f"({error['code']})" not in error["message"], "it has a sentence in French"
