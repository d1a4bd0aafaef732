"""Settings come from the environment; what only an operator can give is asked for by name."""

import json
import os
import stat
import subprocess
import sys

import pytest

SETTINGS = "import infra.conf.settings as s; print(s.SECRET_KEY, s.ALLOWED_HOSTS, s.DATABASES)"


def run(code=SETTINGS, **environment):
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env=kept | {"DJANGO_SETTINGS_MODULE": "infra.conf.settings"} | environment,
    )


def test_production_refuses_to_start_and_names_every_missing_secret():
    refused = run(QUARTIER_ENV="production")
    assert refused.returncode != 0
    for name in ("DATABASE_URL", "DJANGO_SECRET_KEY", "ALLOWED_HOSTS"):
        assert name in refused.stderr.splitlines()[-1]
    refused = run(QUARTIER_ENV="production", DATABASE_URL="postgresql:///x", ALLOWED_HOSTS="a.ch")
    assert "DJANGO_SECRET_KEY" in refused.stderr.splitlines()[-1]
    assert "DATABASE_URL" not in refused.stderr.splitlines()[-1]


def test_production_starts_with_all_of_them(tmp_path):
    started = run(
        QUARTIER_ENV="production",
        QUARTIER_HOME=str(tmp_path),
        DATABASE_URL="postgresql://me:secret@db.example:5433/quartier?sslmode=require",
        DJANGO_SECRET_KEY="k" * 50,
        ALLOWED_HOSTS="quartier.example.ch, www.example.ch",
    )
    assert started.returncode == 0, started.stderr
    assert "['quartier.example.ch', 'www.example.ch']" in started.stdout
    assert "'HOST': 'db.example'" in started.stdout
    assert "'sslmode': 'require'" in started.stdout
    assert "'assume_role': 'quartier_app'" in started.stdout


def test_trying_it_out_needs_nothing_and_makes_nothing(tmp_path):
    home = tmp_path / "home"
    started = run(QUARTIER_HOME=str(home))
    assert started.returncode == 0, started.stderr
    assert str(home / "postgres" / "socket") in started.stdout
    assert not home.exists()


def test_this_machine_s_secret_key_is_made_once_and_for_its_owner(tmp_path):
    first, second = (run(QUARTIER_HOME=str(tmp_path)).stdout for _ in range(2))
    assert first == second
    file = tmp_path / "secret-key"
    assert file.read_text("ascii") in first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


LOGS = """
import structlog, logging, infra.conf.settings
structlog.get_logger("quartier").info("decision_recorded", contract="pâquis", position=3)
logging.getLogger("other").warning("%s happened", "something")
try: 1 / 0
except ZeroDivisionError: structlog.get_logger().exception("failed")
"""


def test_logs_are_json_a_line(tmp_path):
    logged = run(LOGS, QUARTIER_HOME=str(tmp_path), LOG_FORMAT="json").stderr.splitlines()
    decision, other, failed = map(json.loads, logged)
    assert decision["event"] == "decision_recorded"
    assert (decision["contract"], decision["position"]) == ("pâquis", 3)
    assert other["event"] == "something happened"
    assert "ZeroDivisionError" in failed["exception"]
    assert "decision_recorded" in run(LOGS, LOG_FORMAT="console").stderr


@pytest.mark.parametrize("given", ["xml", "JSON"])
def test_an_unknown_log_format_is_refused(given):
    assert "LOG_FORMAT is json or console" in run(LOG_FORMAT=given).stderr
