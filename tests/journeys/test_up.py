"""From nothing to `ready`, through kills and restarts, with every decision still there.

The tests share one folder and follow one another.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from infra.embedded import embedded_postgres
from tests.infra.serving import connect
from tests.journeys.conftest import ROOT, Up, free_port, until

EXAMPLES = {"paquis": 118, "vieux-moulin": 185}
DECIDED = "Dimanche propre, tri au nord et affichage"


def versions(up):
    """How many decisions each contract has."""
    return {
        contract: len(
            up.ask("GET", f"/api/v1/contracts/{contract}/history?limit=1000")[1]["results"]
        )
        for contract in EXAMPLES
    }


def test_it_says_where_it_is_and_then_that_it_is_ready(up):
    said = up.lines()
    assert said[-1] == "ready"
    assert f"Quartier  http://127.0.0.1:{up.port}" in said
    assert len(up.tokens) == 10
    assert f"Kafka     {(up.home / 'broker').read_text('ascii')}" in said
    status, ready = up.ask("GET", "/health/ready")
    assert status == 200
    assert ready["checks"]["read_models"] == ready["checks"]["projections"] == "ok"
    assert positions(up) == [sum(EXAMPLES.values())], "the examples can be read as soon as it is"


def positions(up):
    """Where the read models are."""
    with psycopg.connect(database_of(up)) as connection:
        rows = connection.execute("SELECT DISTINCT position FROM projection_position")
        return [position for (position,) in rows]


def test_its_tokens_are_for_its_owner_alone(up):
    file = up.home / "accounts.json"
    assert file.stat().st_mode & 0o077 == 0
    assert up.tokens["auditor"] in file.read_text("utf-8")
    assert up.tokens["auditor"] not in up.errors.read_text("utf-8")


def test_both_examples_are_served(up):
    assert versions(up) == EXAMPLES
    status, roadmap = up.ask("GET", "/api/v1/contracts/paquis/roadmap")
    assert status == 200
    assert len(roadmap["actions"]) == 5


def test_a_decision_is_in_the_history_and_the_roadmap_at_the_next_read(up):
    _, history = up.ask("GET", "/api/v1/contracts/paquis/history?limit=1000")
    proposed = next(
        each
        for each in history["results"]
        if each["type"] == "action-proposed" and each["data"]["action"] == "rues-propres"
    )
    status, recorded = up.ask(
        "POST",
        "/api/v1/contracts/paquis/decisions/decision-rectified",
        {
            "decided_on": "2017-06-07",
            "body": "commission",
            "data": {
                "position": proposed["position"],
                "reason": "Le titre omettait l'affichage.",
                "fields": {"title": DECIDED},
            },
        },
    )
    assert status == 201, recorded
    assert recorded["recorded_by"] == "coordinator"
    _, history = up.ask("GET", "/api/v1/contracts/paquis/history?limit=1000")
    assert history["results"][-1]["position"] == recorded["position"]
    _, roadmap = up.ask("GET", "/api/v1/contracts/paquis/roadmap")
    assert roadmap["actions"]["rues-propres"]["title"] == DECIDED
    EXAMPLES["paquis"] += 1


def test_the_worker_brings_the_read_models_to_the_last_event(up):
    until(lambda: positions(up) == [sum(EXAMPLES.values())])


def published(up):
    """The funding events that are in Kafka, as `quartier funding follow` prints them."""
    said = quartier(up, "funding", "follow", "--once")
    assert said.returncode == 0, said.stderr
    return [json.loads(line) for line in said.stdout.splitlines()]


def test_the_relay_publishes_every_funding_event(up):
    def figures():
        return up.ask("GET", "/metrics")[1]

    until(lambda: f"quartier_relay_position {float(sum(EXAMPLES.values()))}" in figures())
    assert "quartier_relay_active 1.0" in figures()
    events = published(up)
    assert {event["contract"] for event in events} == {"paquis", "vieux-moulin"}
    numbers = [event["number"] for event in events if event["contract"] == "vieux-moulin"]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    "words", [("program web",), ("program worker",), ("postgres", "-D")], ids=str
)
def test_what_is_killed_comes_back(up, words):
    victim = up.child(*words)
    os.kill(victim, signal.SIGKILL)
    until(lambda: up.child(*words) not in {None, victim})
    until(up.is_ready)
    assert versions(up) == EXAMPLES


def test_a_killed_process_of_the_web_service_comes_back(up):
    """One of those that `quartier web` started, and that answer."""
    (victim,) = [pid for pid, said in up.children().items() if "infra.web.server" in said]
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in up.children())
    until(up.is_ready)
    assert versions(up) == EXAMPLES


@pytest.mark.acceptance
def test_a_web_service_that_hangs_as_a_whole_comes_back(up):
    hung = [
        pid
        for pid, said in up.children().items()
        if "program web" in said or "infra.web.server" in said
    ]
    assert len(hung) == 2
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: not set(hung) & set(up.children()), 90)
    until(up.is_ready)
    assert versions(up) == EXAMPLES


def test_readers_of_evidence_who_do_not_read_keep_nobody_waiting(up):
    path = "/api/v1/contracts/paquis/evidence.zip"
    until(lambda: up.ask("HEAD", path)[0] == 200)
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            client = connect(up.port, f"GET {path} HTTP/1.1", receive=4096)
            stack.enter_context(contextlib.closing(client))
        assert up.ask("GET", "/health/live")[0] == 200
        assert versions(up) == EXAMPLES


def test_a_second_run_in_the_same_folder_is_refused(up):
    result = run_up(up.home, free_port())
    assert result.returncode == 1
    assert "running already" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_taken_port_is_said(up, tmp_path):
    result = run_up(tmp_path / "other", up.port)
    assert result.returncode == 1
    assert f"Port {up.port} cannot be used" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "other" / "postgres").exists(), "nothing was started"


def test_sigterm_stops_everything_and_keeps_the_data(up):
    children = up.children()
    assert len(children) > 4
    seconds, status = up.stop()
    assert seconds < 10
    assert status == 0
    until(lambda: not any(_is_running(pid) for pid in children), 2)
    tokens = up.tokens
    up.start()
    assert up.until_ready() < 30
    assert up.tokens == tokens, "the accounts are kept"
    assert not any("Imported" in line for line in up.lines())
    assert versions(up) == EXAMPLES
    until(lambda: len(published(up)) > 0)


def test_sigint_twice_stops_as_cleanly(up):
    up.process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    seconds, status = up.stop(signal.SIGINT)
    assert seconds < 10
    assert status == 0
    up.start().until_ready()
    assert versions(up) == EXAMPLES


def test_nothing_of_a_killed_run_is_in_the_way_of_the_next(up):
    children = [
        pid for pid, command in up.children().items() if "infra" in command or "cli" in command
    ]
    up.kill()
    up.start().until_ready()
    assert not any(_is_running(pid) for pid in children), "children end with the one that is gone"
    assert versions(up) == EXAMPLES


def test_everything_killed_at_once_leaves_the_data_whole(up):
    family = list(up.children())
    for pid in (up.process.pid, *family):
        os.kill(pid, signal.SIGKILL)
    up.process.wait()
    up.start().until_ready()
    assert versions(up) == EXAMPLES
    checked = quartier(up, "check")
    assert checked.returncode == 0, checked.stdout


def test_production_is_refused(tmp_path):
    result = run_up(
        tmp_path / "home",
        free_port(),
        QUARTIER_ENV="production",
        ALLOWED_HOSTS="x",
        DJANGO_SECRET_KEY="x" * 50,
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
    )
    assert result.returncode == 2
    assert "trying out" in result.stderr


def test_a_secret_that_cannot_be_read_is_refused_once(tmp_path):
    result = run_up(
        tmp_path / "home", free_port(), KAFKA_SASL_PASSWORD_FILE=str(tmp_path / "absent")
    )
    assert result.returncode == 2
    assert result.stderr.count("KAFKA_SASL_PASSWORD_FILE") == 1
    assert "cannot be read" in result.stderr
    assert not (tmp_path / "home").exists(), "nothing was started"


@pytest.mark.torture
def test_a_worker_that_hangs_is_started_again(up):
    """It takes half a minute until it is taken for hung."""
    victim = up.child("program worker")
    os.kill(victim, signal.SIGSTOP)
    until(lambda: up.child("program worker") not in {None, victim}, 90)
    until(lambda: up.ask("GET", "/health/ready")[1]["checks"]["projections"] == "ok")


def test_a_given_server_is_used_and_its_accounts_are_left_alone(database, folder, postgres):
    from infra.accounts import Role, account_of, create_account  # noqa: PLC0415

    token = create_account("auditor", Role.AUDITOR)
    up = Up(folder / "given", free_port(), DATABASE_URL=database.url).start()
    try:
        up.until_ready()
        assert account_of(token), "somebody else's token still opens"
        assert "auditor" not in up.tokens
        assert not (folder / "given" / "postgres").exists()
        assert versions(up) == {"paquis": 118, "vieux-moulin": 185}
    finally:
        assert up.stop()[0] < 10


def run_up(home, port, **environment):
    run = Up(home, port, **environment)
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "up"],
        env=run.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )


def quartier(up, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        env=up.environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def database_of(up):
    place = embedded_postgres.find_place(up.home / "postgres")
    return embedded_postgres.EmbeddedPostgres(place).url("quartier")


def _is_running(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
