"""Import is all or nothing, says everything that is wrong, and records nothing twice."""

import io
import json
import threading
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from domain.kernel.act import Body
from domain.kernel.decision import Decision
from domain.kernel.values import Audience, Title
from infra import vault
from infra.eventstore.append import Write, append
from infra.eventstore.repository import history_of
from infra.eventstore.store import log_size
from infra.exchange import importing_spool
from infra.exchange.exporting import export_contract
from infra.exchange.importing import FAULTS_KEPT, import_file
from infra.exchange.ndjson import LONGEST_LINE

EXAMPLES = sorted((Path(__file__).parents[2] / "infra" / "exchange" / "examples").glob("*.ndjson"))
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def bring(*lines, **options):
    """Import lines, each a JSON value or bytes as they are."""
    written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return import_file(io.BytesIO(b"\n".join(written)), now=NOW, **options)


def person(handle="somebody", **more):
    return {"person": handle, "name": "Somebody Made-Up", **more}


def decision(slug, on="2020-03-02", contract="essai", by="agent", **data):
    return {"contract": contract, "decision": slug, "decided_on": on, "by": by, "data": data}


def initiated(contract="essai", on="2020-03-02"):
    return decision(
        "contract-initiated",
        on,
        contract,
        ground="city_initiative",
        title="Essai",
        territory="Un quartier",
        justification="Une raison.",
    )


def appointed(handle="somebody", **more):
    return decision("coordinator-appointed", person=handle, starts_on="2020-04-01") | more


def appointed_in(contract, handle):
    return appointed(handle, contract=contract)


def granted(year=2020, amount="100.00", **more):
    return decision("operating-budget-granted", year=year, amount=amount) | more


def errors_of(report):
    """Every error as (line, pointer, code)."""
    return [
        (fault.line, error.pointer, error.code) for fault in report.faults for error in fault.errors
    ]


def content(contract):
    """A history without what is given out anew: positions, instants, ids of persons and texts."""
    lines = [json.loads(line) for line in export_contract(contract, names=True)]
    return [line for line in lines if "person" in line], [x for x in lines if "decision" in x]


@pytest.fixture(params=EXAMPLES, ids=lambda file: file.stem)
def example(request):
    return request.param


def test_an_example_is_recorded_whole(database, example):
    report = import_file(example.open("rb"), now=NOW)
    assert not report.faulty
    assert report.recorded == report.lines == log_size()
    history = history_of(example.stem)
    assert [recorded.version for recorded in history] == list(range(1, report.lines + 1))


def test_a_dry_run_judges_and_records_nothing(database, example):
    report = import_file(example.open("rb"), now=NOW, dry_run=True)
    assert (report.faulty, report.recorded) == (0, report.lines)
    assert log_size() == 0
    assert _count(database, "vault_text") == _count(database, "vault_person") == 0


def test_the_same_file_twice_records_nothing_new(database, example):
    first = import_file(example.open("rb"), now=NOW)
    before = {table: _count(database, table) for table in ("event", "vault_text", "vault_person")}
    again = import_file(example.open("rb"), now=NOW)
    assert (again.recorded, again.known, again.persons) == (0, first.lines, 0)
    assert before == {table: _count(database, table) for table in before}


def test_a_file_that_has_grown_records_what_is_new(database):
    bring(person(), initiated(), appointed())
    report = bring(person(), initiated(), appointed(), granted())
    assert (report.known, report.recorded, report.persons) == (2, 1, 0)


def test_what_was_decided_twice_is_recorded_twice(database):
    assert bring(initiated(), granted(), granted()).recorded == 3
    assert bring(initiated(), granted(), granted()).recorded == 0
    assert bring(initiated(), granted(), granted(), granted()).recorded == 1


def test_a_handle_is_the_file_s_own(database):
    """The same handle in another file is another person, unless the decision is the same."""
    bring(person(), initiated(), appointed())
    other = bring(person(name="Another Made-Up"), initiated("autre"), appointed(contract="autre"))
    assert (other.recorded, other.persons) == (2, 1)
    changed = bring(person(name="Another Made-Up"), initiated(), appointed())
    assert [fault.findings[0].id for fault in changed.faults] == ["coordinator-in-office"]


def test_export_is_what_import_reads(database, postgres, template, example):
    """import(export(x)) is x in content."""
    import_file(example.open("rb"), now=NOW)
    persons, decisions = content(example.stem)
    exported = b"".join(export_contract(example.stem, names=True))
    assert import_file(io.BytesIO(exported), now=NOW).recorded == 0, "it is all there already"
    renamed = exported.replace(f'"{example.stem}"'.encode(), b'"copie"')
    assert import_file(io.BytesIO(renamed), now=NOW).recorded == len(decisions)
    again_persons, again = content("copie")
    assert again == [line | {"contract": "copie"} for line in decisions]
    assert again_persons == persons


def test_export_without_names_says_nobody_s_name(database):
    bring(person(contact="rue du Test 1"), initiated(), appointed())
    exported = b"".join(export_contract("essai"))
    assert b"Made-Up" not in exported
    assert b"rue du Test" not in exported
    assert import_file(io.BytesIO(exported), now=NOW).known == 2


def test_export_for_the_public_holds_no_restricted_text(database):
    need = decision(
        "need-expressed",
        need="banc",
        title="Un banc",
        origin="written",
        theme="espace-public",
        text="En mes propres mots.",
    )
    bring(initiated(), need | {"body": "coordinator"})
    assert "En mes propres mots." in b"".join(export_contract("essai")).decode()
    public = b"".join(export_contract("essai", restricted=False)).decode()
    assert "En mes propres mots." not in public
    assert "Une raison." in public


def test_a_correction_finds_its_line_wherever_positions_begin(database):
    """Others may record while a file is judged: a label then stands for a later position."""
    bring(initiated("autre"))
    recorded_meanwhile = threading.Event()

    def meanwhile(number):
        if number == 3:
            other = threading.Thread(target=bring, args=(granted(contract="autre"),))
            other.start()
            other.join()
            recorded_meanwhile.set()

    corrected = granted(amount="90.00")
    report = bring(
        initiated(),
        corrected | {"label": "budget"},
        decision("decision-rectified", position="budget", reason="x", fields={"amount": "80.00"}),
        progress=meanwhile,
    )
    assert recorded_meanwhile.is_set()
    assert not report.faulty
    *_, budget, correction = history_of("essai")
    assert correction.decision.position == budget.position == 4
    assert correction.act.body == "administrative_council"


def test_corrections_in_any_batch_find_their_lines(database, monkeypatch):
    monkeypatch.setattr(importing_spool, "LARGEST", 2)
    bring(initiated("autre"))

    def meanwhile(number):
        if number == 2:
            other = threading.Thread(target=bring, args=(granted(contract="autre"),))
            other.start()
            other.join()

    lines = [initiated()]
    for year in range(2020, 2024):
        lines.append(granted(year=year, amount="90.00") | {"label": f"budget-{year}"})
        fields = {"amount": "80.00"}
        corrected = {"position": f"budget-{year}", "reason": "x", "fields": fields}
        lines += [granted(year=year), decision("decision-rectified", **corrected)]
    assert bring(*lines, progress=meanwhile).recorded == 13
    history = history_of("essai")
    positions = {r.position: r.decision for r in history}
    corrections = [r.decision for r in history if r.decision.slug == "decision-rectified"]
    assert [positions[each.position].year for each in corrections] == [2020, 2021, 2022, 2023]
    assert {str(positions[each.position].amount) for each in corrections} == {"90.00"}


def test_others_record_while_anything_but_events_is_written(database, monkeypatch):
    """The counter row, which all who record wait for, is held for the events alone."""
    monkeypatch.setattr(importing_spool, "LARGEST", 2)
    bring(initiated("autre"))
    write, years, waited = importing_spool.append, iter(range(2000, 2100)), []

    def spied(given):
        if given.texts:
            line = granted(contract="autre", year=next(years))
            other = threading.Thread(target=bring, args=(line,), daemon=True)
            other.start()
            other.join(timeout=5)
            waited.append(other.is_alive())
        return write(given)

    monkeypatch.setattr(importing_spool, "append", spied)
    report = bring(*[initiated(f"c{number}") for number in range(7)])
    monkeypatch.setattr(importing_spool, "append", write)
    assert report.recorded == 7
    assert waited.count(False) == len(waited) >= 4


def test_persons_cost_no_statement_each(database, monkeypatch):
    statements = []
    add, ask = vault.add_persons, vault.known_persons
    monkeypatch.setattr(vault, "add_persons", lambda rows: statements.append(rows) or add(rows))
    monkeypatch.setattr(vault, "known_persons", lambda ids: statements.append(ids) or ask(ids))
    lines = [line for n in range(30) for line in (person(f"p{n}"), appointed_in(f"c{n}", f"p{n}"))]
    report = bring(*[initiated(f"c{number}") for number in range(30)], *lines)
    assert (report.recorded, report.persons) == (60, 30)
    assert _count(database, "vault_person") == 30
    assert len(statements) == 1


def test_a_contract_that_moves_on_meanwhile_refuses_the_whole_file(database):
    from infra.eventstore.append import StaleVersion  # noqa: PLC0415

    bring(initiated())

    def meanwhile(_):
        other = threading.Thread(target=bring, args=(granted(year=2021),))
        other.start()
        other.join()

    with pytest.raises(StaleVersion):
        bring(granted(), progress=meanwhile)
    assert log_size() == 2


def test_what_is_erased_stays_erased_through_export_and_import(database):
    bring(
        person(),
        initiated() | {"label": "begin"},
        appointed(),
        decision("text-erased", text="begin#/data/justification", basis_of_erasure="LIPAD")
        | {"body": "coordinator"},
        decision("person-erased", person="somebody", basis_of_erasure="LIPAD")
        | {"body": "coordinator"},
    )
    exported = b"".join(export_contract("essai", names=True))
    assert b"Made-Up" not in exported
    assert "Une raison." not in exported.decode()
    assert import_file(io.BytesIO(exported), now=NOW).known == 4
    copied = import_file(io.BytesIO(exported.replace(b'"essai"', b'"copie"')), now=NOW)
    assert (copied.faulty, copied.recorded) == (0, 4)
    lines = [json.loads(line) | {"contract": ""} for line in export_contract("copie", names=True)]
    assert lines == [json.loads(line) | {"contract": ""} for line in exported.splitlines()]


def test_a_rectification_of_an_earlier_schema_is_exported_as_of_today(database, monkeypatch):
    monkeypatch.setattr(Decision, "registry", dict(Decision.registry))

    class ThingNamed(Decision, taken_by={Body.COORDINATOR}, basis="4", schema=2):
        """A thing gets a name."""

        fr = "Chose nommée"

        title: Title

        @staticmethod
        def upcast_v1_v2(data):
            return {"title": data["name"]} if "name" in data else data

    bring(
        initiated(),
        decision("thing-named", title="Une"),
        decision("decision-rectified", position=2, reason="x", fields={"title": "Deux"}),
    )
    assert history_of("essai")[-1].decision.written_under == 2
    lines = list(export_contract("essai"))
    assert json.loads(lines[-1])["data"].keys() == {"position", "reason", "fields"}
    copy = b"".join(lines).replace(b'"essai"', b'"copie"')
    assert import_file(io.BytesIO(copy), now=NOW).recorded == 3


def test_what_was_accepted_once_is_known_for_ever(database):
    """Titles and texts of earlier versions, which would be refused now."""
    bring(initiated())
    text = vault.Keeper("essai")
    reason = text.keep("Une \u202eraison.", Audience.PUBLIC).model_dump()
    subject, reference = "Un\u200b sujet", "D\u00ad1"
    told = (
        ("strategic-option-validated", {"subject": subject, "outcome": "validated"}),
        ("municipal-council-informed", {"reference": reference, "informed_on": "9999-12-31"}),
        ("contract-suspended", {"reason": reason}),
    )
    bodies = ("steering_committee", "administrative_council", "administrative_council")
    events = [
        {
            "contract": "essai",
            "version": version,
            "type": slug,
            "schema": 1,
            "body": body,
            "decided_on": "2020-03-02",
            "recorded_by": "earlier",
            "payload": {"data": data},
        }
        for version, ((slug, data), body) in enumerate(zip(told, bodies, strict=True), start=2)
    ]
    append(Write(events, text.texts))
    exported = b"".join(export_contract("essai"))
    assert import_file(io.BytesIO(exported), now=NOW).known == 4
    copy = import_file(io.BytesIO(exported.replace(b'"essai"', b'"copie"')), now=NOW)
    assert [fault.line for fault in copy.faults] == [2, 3, 4], "elsewhere it is judged as any other"


# --- What is wrong is said, all of it -----------------------------------------------------------


def test_one_bad_line_in_ten_thousand(database):
    lines = [initiated(), *[granted(year=2000 + n % 100) for n in range(9_999)]]
    lines[7_000] = granted(amount="12.345")
    report = bring(*lines)
    assert errors_of(report) == [(7_001, "/data/amount", "amount")]
    assert (report.lines, report.faulty, report.recorded) == (10_000, 1, 0)
    assert log_size() == 0
    lines[7_000] = granted()
    assert bring(*lines).recorded == log_size() == 10_000


def test_every_faulty_line_is_counted_and_the_first_are_described(database):
    report = bring(initiated(), *[granted(amount="0")] * 150)
    assert report.faulty == 150
    assert len(report.faults) == FAULTS_KEPT
    assert {finding.id for fault in report.faults for finding in fault.findings} == {
        "amount-not-positive"
    }


def test_rules_are_all_named_with_their_facts(database):
    report = bring(initiated(), decision("promotion-started", "2020-01-01", audiences=["Tous"]))
    (fault,) = report.faults
    assert fault.line == 2
    assert {finding.id for finding in fault.findings} == {
        "decided-before-the-contract",
        "no-perimeter",
    }
    assert fault.as_json("fr")["findings"][0]["message"]


def test_a_day_at_the_end_of_time_is_said_by_line_field_and_rule(database):
    convened = decision("plenary-convened", plenary="p", date="9999-12-31", place="S", agenda="A")
    (fault,) = bring(initiated(), convened | {"body": "coordinator"}).faults
    said = {f["rule"]: f["facts"] for f in fault.as_json("fr")["findings"]}
    assert (fault.line, said["outside-the-calendar"]["field"]) == (2, "date")


@pytest.mark.parametrize("by", [{}, {"by": "import"}, {"by": "agent"}, {"by": "auditor"}])
def test_the_body_is_asked_for_where_several_may_decide(database, by):
    """As over HTTP: nothing is taken for the coordinator's that does not say so."""
    need = decision("need-expressed", need="n", title="N", origin="written", theme="mobilite")
    line = {key: value for key, value in need.items() if key != "by"} | by
    report = bring(initiated(), line)
    assert errors_of(report) == [(2, "/body", "missing")]
    assert "coordinator" in report.faults[0].errors[0].message


def test_what_follows_a_fault_says_so(database):
    report = bring(initiated() | {"decided_on": "hier"}, granted())
    assert [(fault.line, fault.after) for fault in report.faults] == [(1, None), (2, 1)]


FAULTY = {
    "not json": (b"{", "", "json"),
    "not an object": (b"[1]", "", "json"),
    "not UTF-8": (b'{"person": "\xff"}', "", "encoding"),
    "UTF-16": ('{"person": "x"}'.encode("utf-16"), "", "encoding"),
    "a key twice": (b'{"person": "x", "person": "y"}', "", "json"),
    "a number that is none": (b'{"contract": NaN}', "", "json"),
    "a number too large": (b'{"contract": 1e400}', "", "json"),
    "an endless integer": (b'{"contract": ' + b"9" * 5000 + b"}", "", "json"),
    "too deep": (b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "", "json"),
    "too long": (b'{"person": "' + b"x" * LONGEST_LINE + b'"}', "", "line_too_long"),
    "neither": ({"x": 1}, "/contract", "missing"),
    "an unknown field": (granted() | {"colour": 1}, "/colour", "extra_forbidden"),
    "an unknown type": (decision("budget-eaten"), "/decision", "decision_type"),
    "an unknown contract": (granted(contract="ailleurs"), "/contract", "unknown_contract"),
    "a contract id that is none": (initiated("Essai Deux"), "/contract", "string_pattern_mismatch"),
    "a contract again": (initiated(on="2021-01-01"), "/contract", "contract_exists"),
    "no day": (granted() | {"decided_on": None}, "/decided_on", "missing"),
    "a day that is none": (granted() | {"decided_on": "2020-02-30"}, "/decided_on", "date"),
    "data that is no object": (granted() | {"data": []}, "/data", "dict_type"),
    "an account's name": (granted() | {"by": "Jean Nom"}, "/by", "string_pattern_mismatch"),
    "an unknown body": (granted() | {"body": "senate"}, "/body", "body"),
    "another body": (granted() | {"body": "plenary"}, "/body", "not_competent"),
    "no body": (
        decision("roadmap-presented") | {"decision": "action-revised", "data": {"action": "a"}},
        "/body",
        "missing",
    ),
    "several bodies": (
        decision(
            "need-expressed",
            need="banc",
            title="Un banc",
            origin="service",
            theme="espace-public",
            text="x",
            by="import",
        ),
        "/body",
        "missing",
    ),
    "a day that is written as a number": (
        decision("municipal-council-informed", reference="R", informed_on="1397606400"),
        "/data/informed_on",
        "date",
    ),
    "a title that cannot be seen": (
        decision("strategic-option-validated", subject="\u3164", outcome="validated"),
        "/data/subject",
        "characters",
    ),
    "a name of two lines": (person("x", name="a\nb"), "/name", "characters"),
    "a handle nobody has": (appointed("nobody"), "/data/person", "unknown_handle"),
    "an id nobody has": (
        appointed("00000000-0000-4000-8000-000000000000"),
        "/data/person",
        "unknown_person",
    ),
    "a label no line has": (
        decision("decision-annulled", position="x", reason="y"),
        "/data/position",
        "unknown_label",
    ),
    "a handle twice": (person(name="Another"), "/person", "duplicate"),
    "a person without handle": ({"person": "", "name": "x"}, "/person", "string_too_short"),
    "a name of control characters": (person("x", name="a\0b"), "/name", "characters"),
    "a lone surrogate": (b'{"person": "x", "name": "\\ud800"}', "", "json"),
    "an amount that is a float": (granted(amount=1.5), "/data/amount", "amount"),
    "a text that is too long": (
        decision("contract-suspended", reason="x" * 20_001),
        "/data/reason",
        "string_too_long",
    ),
    "no evidence": (granted() | {"evidence": [{"sha256": "x"}]}, "/evidence/0/title", "missing"),
}


@pytest.mark.parametrize(("line", "pointer", "code"), FAULTY.values(), ids=FAULTY)
def test_a_fault_is_said_by_line_field_and_kind(database, line, pointer, code):
    report = bring(person(), initiated(), line)
    assert (3, pointer, code) in errors_of(report)
    assert log_size() == 0


@pytest.mark.parametrize("line", FAULTY.values(), ids=FAULTY)
def test_a_fault_hides_no_other_line_s(database, line):
    report = bring(person(), initiated(), line[0], granted(amount="1.234"))
    assert (4, "/data/amount", "amount") in errors_of(report)


def test_two_lines_with_one_label(database):
    report = bring(initiated(), granted() | {"label": "x"}, granted(year=2021) | {"label": "x"})
    assert errors_of(report) == [(3, "/label", "duplicate")]


def test_a_byte_order_mark_crlf_and_empty_lines_mean_nothing(database):
    lines = [json.dumps(line).encode() for line in (initiated(), granted())]
    file = io.BytesIO(b"\xef\xbb\xbf" + b"\r\n\r\n".join(lines) + b"\r\n\n")
    assert import_file(file, now=NOW).recorded == 2


def test_an_empty_file_is_no_fault(database):
    assert bring(b"").as_json()["lines"] == 0


# --- Who and for which body ---------------------------------------------------------------------


def test_who_recorded_is_whom_the_file_names(database):
    bring(initiated(), granted() | {"by": "council-office.2"})
    first, second = history_of("essai")
    assert (first.recorded_by, second.recorded_by) == ("agent", "council-office.2")


def test_where_several_bodies_may_decide_the_office_that_records_tells(database):
    convened = decision(
        "need-expressed",
        need="banc",
        title="Un banc",
        origin="service",
        theme="espace-public",
        text="x",
    )
    bring(
        initiated(),
        convened | {"by": "service"},
        convened | {"data": convened["data"] | {"need": "b"}, "body": "community_unit"},
    )
    bodies = [recorded.act.body for recorded in history_of("essai")]
    assert bodies == ["administrative_council", "service", "community_unit"]


def test_today_is_the_last_day_that_may_be_imported(database):
    assert bring(initiated(on=NOW.date().isoformat())).recorded == 1
    report = bring(granted() | {"decided_on": date(2026, 1, 16).isoformat()})
    assert [finding.id for finding in report.faults[0].findings] == ["decided-in-the-future"]


# --- Size ---------------------------------------------------------------------------------------


def test_memory_does_not_hold_the_texts_of_the_file(database, monkeypatch):
    monkeypatch.setattr(importing_spool, "IN_MEMORY", 100_000)
    reason = "Une raison qui en dit long. " * 700
    lines = [
        json.dumps(line | {"data": line["data"] | {"justification": f"{reason}{number}"}}).encode()
        for number in range(400)
        for line in [initiated(f"c{number}")]
    ]
    file = io.BytesIO(b"\n".join(lines))
    tracemalloc.start()
    try:
        report = import_file(file, now=NOW)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.recorded == 400
    assert peak < len(file.getvalue()), f"{peak / 1e6:.1f} MB"


def _count(database, table):
    with psycopg.connect(database.url) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
