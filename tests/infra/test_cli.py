"""The commands: what they say, what they leave with, and that nobody sees a stack trace."""

import inspect
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from api.cli import main
from infra.accounts import account_of
from infra.cli import program
from infra.eventstore.repository import contracts
from infra.eventstore.store import log_size
from projections.catalogue import PROJECTIONS, VIEWS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "infra" / "exchange" / "examples"
PAQUIS = str(EXAMPLES / "paquis.ndjson")
VIEUX_MOULIN = str(EXAMPLES / "vieux-moulin.ndjson")


@pytest.fixture
def quartier(database, capfd):
    """Run a command in this process; its exit status, and what it wrote to each stream."""

    def run(*arguments):
        status = program.run(arguments)
        return status, *capfd.readouterr()

    return run


@pytest.fixture
def imported(quartier):
    for file in (PAQUIS, VIEUX_MOULIN):
        status, _, err = quartier("import", file)
        assert status == 0, err
    return quartier


def commands():
    """Every command, as it is typed."""
    for name, listed in sorted(program.program.commands.items()):
        yield from ((name, *each) for each in below(listed.load()))


def below(command):
    """The names of a group's commands, below one another; of a command, none."""
    if not hasattr(command, "commands"):
        yield ()
        return
    for name, each in sorted(command.commands.items()):
        yield from ((name, *names) for names in below(each))


# --- How commands are used ----------------------------------------------------------------------


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_help_says_what_it_does_and_shows_examples(command, capsys):
    assert program.run([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "For example" in shown
    assert f"quartier {' '.join(command)}" in shown


def test_the_promised_commands_are_there():
    named = {command[0] for command in commands()}
    promised = {"up", "import", "export", "worker", "project", "rebuild", "replay", "check"}
    assert named >= promised | {"web", "migrate", "accounts", "token", "golden"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["import"],
        ["import", PAQUIS, "--colour"],
        ["import", "/nowhere/x.ndjson"],
        ["import", "/"],
        ["rebuild", "weather"],
        ["replay", "paquis", "--known-at", "yesterday"],
        ["replay", "paquis", "--known-at", "2015-01-01T12:00:00"],
        ["replay", "paquis", "--valid-at", "2015-13-01"],
        ["replay", "paquis", "--framework", "cadre-1602"],
        ["replay", "paquis", "--view", "weather"],
        ["replay", "paquis", "--language", "de"],
        ["accounts", "create", "Jean Nom", "--role", "auditor"],
        ["accounts", "create", "office", "--role", "emperor"],
        ["web", "--port", "0"],
        ["golden", "--root", "/"],
    ],
    ids=" ".join,
)
def test_used_wrongly_is_status_2_and_a_sentence(quartier, arguments):
    status, out, err = quartier(*arguments)
    assert status == 2
    assert err.strip()
    assert "Traceback" not in out + err


def test_no_command_shows_the_commands(capsys):
    assert program.run([]) == 2
    assert "import" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [("relay",), ("topics",), ("funding", "follow"), ("worker",), ("check",)],
    ids=" ".join,
)
def test_a_secret_that_cannot_be_read_is_said_in_a_line(command, monkeypatch, quartier, tmp_path):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD_FILE", str(tmp_path / "nowhere"))
    said = f"KAFKA_SASL_PASSWORD_FILE: {tmp_path}/nowhere cannot be read: No such file or directory"
    assert quartier(*command) == (2, "", f"{said}.\n")


def test_a_database_that_does_not_answer_is_said(monkeypatch, quartier):
    result = _program({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "export", "paquis")
    assert result.returncode == 1
    assert "does not answer" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_that_is_not_migrated_is_said(postgres, database):
    name = "quartier_not_migrated"
    postgres.execute("CREATE DATABASE {name} TEMPLATE template0", name=name)
    try:
        url = database.url.replace(database.name, name)
        for command in (["export", "paquis"], ["check"], ["import", PAQUIS]):
            result = _program({"DATABASE_URL": url}, *command)
            assert result.returncode == 1
            assert "quartier migrate" in result.stderr
        assert _program({"DATABASE_URL": url}, "migrate").returncode == 0
        assert _program({"DATABASE_URL": url}, "check").returncode == 0
    finally:
        postgres.execute("DROP DATABASE {name} WITH (FORCE)", name=name)


def test_production_names_every_missing_secret():
    result = _program({"QUARTIER_ENV": "production", "DATABASE_URL": ""}, "check")
    assert result.returncode == 2
    for name in ("ALLOWED_HOSTS", "DATABASE_URL", "DJANGO_SECRET_KEY"):
        assert name in result.stderr


# --- How commands are loaded --------------------------------------------------------------------

HEAVY = {"confluent_kafka", "django", "psycopg", "rest_framework", "shapely", "structlog"}
"""What takes long to load."""

NEEDED = {
    "--help": set(),
    "frobnicate": set(),
    "verify pyproject.toml": set(),
    "log key --help": {"django", "psycopg", "structlog"},
    "accounts --help": {"django", "psycopg", "structlog"},
    "web --help": {"django", "psycopg", "structlog"},
    "golden --help": {"django", "psycopg", "structlog"},
    "import --help": {"django", "psycopg", "shapely", "structlog"},
    "rebuild --help": {"django", "psycopg", "shapely", "structlog"},
}


@pytest.mark.parametrize(("command", "needed"), NEEDED.items(), ids=NEEDED)
def test_a_command_loads_nothing_that_only_others_need(command, needed):
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "api.cli", *command.split()],
        capture_output=True,
        check=False,
        text=True,
        cwd=ROOT,
    )
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "infra.cli.program" in loaded
    assert HEAVY & loaded <= needed


@pytest.mark.parametrize("name", sorted(program.program.commands))
def test_the_list_says_of_a_command_what_its_help_begins_with(name):
    listed = program.program.commands[name]
    said = inspect.cleandoc(listed.load().help).split("\n\n")[0].replace("\n", " ")
    assert listed.help == said


def test_what_is_loaded_by_name_lies_in_the_layer_that_names_it():
    assert all(command.place.startswith("infra.") for command in program.COMMANDS)


# --- Import and export --------------------------------------------------------------------------


def test_import_says_what_it_did(quartier):
    status, out, _ = quartier("import", PAQUIS, "--dry-run", "--json")
    report = json.loads(out)
    assert (status, report["recorded"], report["dry_run"]) == (0, report["lines"], True)
    assert log_size() == 0
    assert quartier("import", PAQUIS)[1].startswith(f"{report['lines']} decisions recorded")
    assert json.loads(quartier("import", PAQUIS, "--json")[1])["recorded"] == 0


def test_import_of_a_faulty_file_is_status_1_and_names_line_field_and_rule(quartier, tmp_path):
    lines = Path(PAQUIS).read_text("utf-8").splitlines()
    lines[16] = lines[16].replace("coordinator-1", "nobody")
    plenary = next(i for i, line in enumerate(lines) if '"plenary-convened"' in line)
    lines[plenary] = json.dumps(
        {key: value for key, value in json.loads(lines[plenary]).items() if key != "departures"}
    )
    faulty = tmp_path / "faulty.ndjson"
    faulty.write_text("\n".join(lines), "utf-8")
    status, out, _ = quartier("import", str(faulty))
    assert status == 1
    assert "line 17 paquis coordinator-appointed" in out
    assert "/data/person" in out
    assert f"line {plenary + 1} paquis plenary-convened" in out
    assert "promotion-too-short, §4.1" in out
    assert log_size() == 0
    status, out, _ = quartier("import", str(faulty), "--json", "--language", "en")
    finding = json.loads(out)["faults"][1]["findings"][0]
    assert finding["message"].startswith("Promotion lasted")


def test_import_reads_standard_input(database):
    with Path(PAQUIS).open("rb") as file:
        result = _program({"DATABASE_URL": database.url}, "import", "-", stdin=file)
    assert result.returncode == 0, result.stderr
    assert log_size() == 118


def test_import_shows_how_far_it_is_on_a_terminal(database):
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "wb") as terminal:
        result = _program(
            {"DATABASE_URL": database.url, "TERM": "xterm", "LOG_FORMAT": "json"},
            *("import", PAQUIS, "--json"),
            stderr=terminal,
        )
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "Lines" in shown
    assert json.loads(result.stdout)["recorded"] == 118, "the answer is not mixed with it"


def test_export_gives_what_import_takes(imported, tmp_path):
    status, out, _ = imported("export", "paquis")
    assert status == 0
    assert "(nom inventé)" not in out
    file = tmp_path / "out.ndjson"
    assert imported("export", "paquis", "--names", "-o", str(file))[0] == 0
    assert "(nom inventé)" in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0, "names are for the owner of the file"
    assert imported("import", str(file), "--json")[0] == 0
    assert not list(tmp_path.glob(".*")), "no draft is left"


def test_export_of_nothing_is_status_1(imported):
    status, out, err = imported("export", "nowhere")
    assert (status, out) == (1, "")
    assert "There is no contract nowhere" in err


# --- Read models --------------------------------------------------------------------------------


def test_project_once_takes_in_everything(imported):
    status, out, _ = imported("project", "--once")
    assert status == 0
    assert f"at event {log_size()}" in out
    assert imported("check")[0] == 0


def test_rebuild_makes_every_read_model_or_one(imported):
    status, out, _ = imported("rebuild", "--json")
    assert status == 0
    assert json.loads(out)["read_models"] == list(PROJECTIONS)
    assert json.loads(imported("rebuild", "roadmap", "--json")[1])["read_models"] == ["roadmap"]
    assert imported("check")[0] == 0


def test_rebuilt_views_are_those_that_were_projected_byte_for_byte(imported, database):
    imported("project", "--once")
    before = _documents(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("TRUNCATE view_document_rows, projection_position")
    assert _documents(database) == []
    imported("rebuild")
    assert _documents(database) == before
    assert len(before) == 2 * len(VIEWS)


# --- Replay -------------------------------------------------------------------------------------


def test_replay_tells_the_history_and_what_it_comes_to(imported):
    status, out, _ = imported("replay", "paquis", "--json", "--view", "roadmap")
    told = json.loads(out)
    assert status == 0
    assert len(told["decisions"]) == 118
    assert told["decisions"][0]["label"] == "Contrat initié"
    assert told["view"]["actions"]["chemin-ecole"]["status"] == "refused"
    assert "text" in told["view"]["actions"]["chemin-ecole"]


def test_replay_of_what_had_been_decided_by_a_day(imported):
    told = json.loads(imported("replay", "paquis", "--valid-at", "2014-04-15", "--json")[1])
    assert told["decisions"][-1]["decided_on"] <= "2014-04-15"
    assert "plenary-held" not in {each["type"] for each in told["decisions"]}
    status, _, err = imported("replay", "paquis", "--valid-at", "2013-01-01")
    assert status == 1
    assert "was known or decided" in err


def test_replay_of_what_was_known_at_an_instant(imported):
    status, _, _ = imported("replay", "paquis", "--known-at", "2020-01-01T00:00:00Z")
    assert status == 1, "nothing was known then"
    told = json.loads(imported("replay", "paquis", "--known-at", "2100-01-01", "--json")[1])
    assert len(told["decisions"]) == 118


def test_replay_puts_corrections_in_their_place(imported):
    told = json.loads(imported("replay", "vieux-moulin", "--json", "--view", "diagnosis")[1])
    assert len(told["decisions"]) == 184, "one was annulled"
    assert "local-reunion" not in told["view"]["needs"]


def test_replay_under_another_framework_says_what_would_differ(imported):
    status, out, _ = imported("replay", "paquis", "--framework", "pilots-2009", "--json")
    assert status == 0
    differing = [each for each in json.loads(out)["decisions"] if "otherwise" in each]
    assert {rule for each in differing for rule in each["departures"]} == {
        finding["rule"] for each in differing for finding in each["otherwise"]["no_longer"]
    }
    assert len(differing) == 3
    shown = imported("replay", "paquis", "--framework", "pilots-2009", "--view", "none")[1]
    assert "would not stand in the way" in shown


# --- Accounts -----------------------------------------------------------------------------------


def test_an_account_is_opened_given_a_new_token_and_closed(quartier):
    first = json.loads(quartier("accounts", "create", "audit-1", "--role", "auditor", "--json")[1])
    assert account_of(first["token"]).name == "audit-1"
    assert quartier("accounts", "create", "audit-1", "--role", "auditor")[0] == 1
    second = json.loads(quartier("token", "audit-1", "--json")[1])
    assert account_of(first["token"]) is None
    assert account_of(second["token"]).role == "auditor"
    assert json.loads(quartier("accounts", "list", "--json")[1]) == [
        {"name": "audit-1", "role": "auditor"}
    ]
    assert quartier("accounts", "revoke", "audit-1")[0] == 0
    assert account_of(second["token"]) is None
    assert quartier("accounts", "revoke", "audit-1")[0] == 1
    assert quartier("token", "audit-1")[0] == 1


# --- Check --------------------------------------------------------------------------------------


def test_check_finds_nothing_wrong_with_what_is_right(imported):
    imported("project", "--once")
    status, out, _ = imported("check", "--json")
    report = json.loads(out)
    assert status == 0
    assert not any(report["checks"].values())
    assert {"trigger", "grants", "order", "events", "texts", "read-models"} <= set(report["checks"])
    shown = imported("check")[1]
    assert "0 faults" in shown
    assert "Not checked: no broker named" in shown
    assert not re.search(r"ok\s+relay", shown)
    assert report["warnings"]["relay"] == [
        "Not checked: no broker named (KAFKA_BOOTSTRAP_SERVERS)."
    ]
    assert "is a superuser" in report["warnings"]["role"][0]


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("ALTER TABLE event DISABLE TRIGGER event_is_never_changed", "trigger"),
        ("GRANT UPDATE ON event TO quartier_app", "grants"),
        ("UPDATE event_log SET size = size + 1", "order"),
        ("UPDATE vault_text SET content = content || '!'", "texts"),
        ("UPDATE view_document_rows SET document = '{}' WHERE view = 'roadmap'", "read-models"),
        ("DELETE FROM view_document_rows WHERE view = 'bodies'", "read-models"),
        ("DELETE FROM register_rows WHERE contract = 'paquis'", "read-models"),
        ("DROP TRIGGER log_tile_is_never_changed ON log_tile", "trigger"),
        ("INSERT INTO idempotency VALUES ('importer', 'k', '', 'paquis', 999)", "requests"),
        ("INSERT INTO django_migrations VALUES (999, 'infra', '0999_x', now())", "migrations"),
        ("REVOKE SELECT ON log_checkpoint FROM quartier_app", "log"),
    ],
    ids=lambda value: value if len(value) < 20 else None,
)
def test_check_finds_what_somebody_broke(imported, database, damage, check):
    imported("project", "--once")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(damage)
    status, out, _ = imported("check", "--json")
    found = json.loads(out)["checks"]
    assert status == 1
    assert found[check]
    shown = imported("check")[1]
    assert re.search(rf"wrong\s+{check}", shown)


def test_an_event_that_cannot_be_read_ends_no_command_in_a_traceback(imported, database):
    """It is named; whatever else is wrong is said too, and nothing is half made."""
    imported("project", "--once")
    before = _documents(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_is_never_changed")
        connection.execute("UPDATE event SET schema = 9 WHERE contract = 'paquis' AND version = 7")
        connection.execute("ALTER TABLE event ENABLE ALWAYS TRIGGER event_is_never_changed")
        connection.execute("UPDATE register_rows SET title = '' WHERE contract = 'vieux-moulin'")
    contracts.forget()
    named = (
        "Event 7 (paquis, version 7, municipal-council-informed) cannot be read: "
        "municipal-council-informed was stored under schema 9, known is 1."
    )
    status, out, _ = imported("check", "--json")
    checks = json.loads(out)["checks"]
    assert status == 1
    assert checks["events"][0].startswith(named)
    assert [what.split(" is not")[0] for what in checks["read-models"]] == [
        "paquis",
        "register of vieux-moulin",
    ]
    for command in (("replay", "paquis"), ("export", "paquis"), ("rebuild",)):
        status, out, err = imported(*command)
        assert (status, out) == (1, ""), command
        assert err.startswith(named), command
    assert _documents(database) == before
    assert imported("replay", "vieux-moulin")[0] == 0


def test_check_goes_on_where_one_check_cannot_be_finished(imported, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("out of order")

    monkeypatch.setattr("infra.audit.integrity.order", lambda _: map(fail, [1]))
    status, out, _ = imported("check", "--json")
    checks = json.loads(out)["checks"]
    assert status == 1
    assert checks.pop("order") == [
        (
            "This check could not be finished: RuntimeError: out of order "
            "(QUARTIER_TRACEBACK=1 shows where)"
        )
    ]
    assert not any(checks.values())


def test_check_of_a_changed_event(imported, database):
    imported("project", "--once")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_is_never_changed")
        connection.execute(
            "UPDATE event SET payload = replace(payload::text, '\"96\"', '\"97\"')::json,"
            " decided_on = decided_on - 1 WHERE type = 'plenary-held'"
        )
    status, out, _ = imported("check", "--json")
    assert status == 1
    assert json.loads(out)["checks"]["read-models"]


# --- Golden files -------------------------------------------------------------------------------


def test_golden_writes_what_is_missing_and_says_what_is_stale(tmp_path, capsys):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert program.run(["golden", "--check", "--root", str(tmp_path)]) == 1
    assert not (tmp_path / "docs").exists()
    assert program.run(["golden", "--root", str(tmp_path)]) == 0
    assert program.run(["golden", "--check", "--root", str(tmp_path)]) == 0
    (tmp_path / "docs" / "catalogue.md").write_text("stale")
    capsys.readouterr()
    assert program.run(["golden", "--check", "--root", str(tmp_path)]) == 1
    assert "docs/catalogue.md is not up to date" in capsys.readouterr().err


def test_the_program_leaves_with_the_status_of_its_command(monkeypatch):
    with pytest.raises(SystemExit) as ending:
        main(["frobnicate"])
    assert ending.value.code == 2


def test_a_reader_that_has_seen_enough_is_no_fault(imported, database):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        result = _program({"DATABASE_URL": database.url}, "export", "paquis", stdout=closed)
    assert result.returncode == 1
    assert result.stderr == ""


def _documents(database):
    with psycopg.connect(database.url) as connection:
        return connection.execute(
            "SELECT view, contract, version, document::text FROM view_document_rows"
            " ORDER BY view, contract"
        ).fetchall()


def _program(
    environment, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=None
):
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        env={**os.environ, **environment},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr or subprocess.PIPE,
        check=False,
        text=True,
        cwd=ROOT,
    )
