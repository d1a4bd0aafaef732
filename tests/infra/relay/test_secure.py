"""Over TLS and with a password: by the environment alone, and nothing ever says the password."""

import os
import secrets
import subprocess
import sys

import psycopg
import pytest

from infra import kafka_client
from infra.kafka_client import NotLetIn
from tests.infra.relay.checks import assert_complete, rows
from tests.infra.relay.own_kafka import OwnKafka, User
from tests.infra.relay.reading import wait_until
from tests.infra.relay.story import fund

pytestmark = pytest.mark.kafka

USER = User("quartier-relay", "rosebud-is-not-said")
WRONG = "mistaken-is-not-said"
SAID_SECRETS = (USER.password, WRONG)


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = OwnKafka(tmp_path_factory.mktemp("kafka"), USER)
    yield broker
    broker.close()


@pytest.fixture
def environ(broker, finance, tmp_path):
    """Everything that is said to the programs: the password in a file."""
    (tmp_path / "password").write_text(f"{USER.password}\n")
    others = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
    return others | {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.secure_port}",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": USER.name,
        "KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "password"),
        "KAFKA_SSL_CA_LOCATION": str(broker.authority),
        "KAFKA_TOPIC_PREFIX": f"t{secrets.token_hex(6)}.",
        "QUARTIER_FINANCE_DSN": finance,
        "LOG_FORMAT": "json",
    }


QUARTIER = [sys.executable, "-m", "infra.cli"]
RELAY = [*QUARTIER, "relay"]
FOLLOW = [*QUARTIER, "funding", "follow", "--once"]


def run(command, environ, seconds=60):
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=seconds, check=False
    )


def say_until(command, environ, enough, seconds=60):
    """What a program says until there is enough of it, or it ends; then it is stopped."""
    process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    lines = []
    try:
        for line in process.stderr:
            lines.append(line)
            if enough(line):
                break
    finally:
        process.terminate()
        lines.append(process.communicate(timeout=seconds)[1])
    return "".join(lines)


def test_the_relay_and_the_follower_are_let_in(log, environ, finance):
    fund(log, "paquis", 2)
    cluster = kafka_client.cluster(environ)
    relay = subprocess.Popen(RELAY, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: complete(log, cluster), 60)
    finally:
        relay.terminate()
        said = relay.communicate(timeout=30)[1]
    assert relay.returncode == 0, said
    followed = run(FOLLOW, environ)
    assert followed.returncode == 0, followed.stderr
    assert rows(finance, "SELECT count(*) FROM quartier.funding_event") == [(9,)]
    for secret in SAID_SECRETS:
        assert secret not in said + followed.stdout + followed.stderr


def complete(log, cluster):
    try:
        assert_complete(log, cluster)
    except Exception:
        return False
    return True


def test_a_wrong_password_is_named_and_never_said(log, environ, finance):
    fund(log, "paquis")
    environ |= {"KAFKA_SASL_PASSWORD": WRONG}
    del environ["KAFKA_SASL_PASSWORD_FILE"]
    followed = run(FOLLOW, environ)
    assert followed.returncode == 1
    said = say_until(RELAY, environ, lambda line: "relay_interrupted" in line)
    for each in (followed.stdout + followed.stderr, said):
        assert "invalid credentials with SASL mechanism SCRAM-SHA-512" in each
        assert not any(secret in each for secret in SAID_SECRETS)
    with psycopg.connect(finance) as connection:
        found = connection.execute("SELECT to_regclass('quartier.funding_event')").fetchone()
    assert found == (None,), "nothing was begun"


def test_a_certificate_that_nobody_vouches_for_is_named(environ):
    del environ["KAFKA_SSL_CA_LOCATION"]
    with pytest.raises(NotLetIn, match="certificate verify failed"):
        kafka_client.let_in(kafka_client.cluster(environ))


def test_brokers_that_are_away_are_none_that_do_not_let_us_in(environ):
    away = environ | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    kafka_client.let_in(kafka_client.cluster(away))
    followed = run(FOLLOW, away)
    assert followed.returncode == 1
    assert "Connection refused" in followed.stderr


def test_a_password_that_is_missing_is_named(environ):
    del environ["KAFKA_SASL_PASSWORD_FILE"]
    followed = run(FOLLOW, environ)
    assert followed.returncode == 1
    assert "sasl.password must be set" in followed.stderr
