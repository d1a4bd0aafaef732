"""Over TLS and with a password: by the environment alone, and nothing ever says the password."""

import os
import secrets
import subprocess
import sys

import psycopg
import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from infra.broker import kafka_client
from infra.broker.kafka_client import NotLetIn
from tests.infra.relay.checks import assert_complete, rows
from tests.infra.relay.own_kafka import OwnKafka, User
from tests.infra.relay.reading import wait_until
from tests.infra.relay.story import fund

pytestmark = pytest.mark.kafka

USER = User("quartier", "rosebud-is-not-said")
FINANCE = User("finance", "xanadu-is-not-said")
WRONG = "mistaken-is-not-said"
SECRETS = (USER.password, FINANCE.password, WRONG)

ALLOWED = {
    USER.name: (
        (ResourceType.TOPIC, "t", ("CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "READ", "WRITE")),
        (ResourceType.TRANSACTIONAL_ID, "t", ("DESCRIBE", "WRITE")),
        (ResourceType.GROUP, "quartier.relay", ("DESCRIBE",)),
    ),
    FINANCE.name: (
        (ResourceType.TOPIC, "t", ("READ",)),
        (ResourceType.GROUP, "quartier.funding.follow", ("DESCRIBE",)),
    ),
}
"""What the page says that each has to be allowed, and no more."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = OwnKafka(tmp_path_factory.mktemp("kafka"), [USER, FINANCE])
    allow(AdminClient({"bootstrap.servers": f"127.0.0.1:{broker.port}"}))
    yield broker
    broker.close()


def allow(admin):
    """Topics and transactional ids of the tests begin with `t`."""
    rules = [
        AclBinding(
            *(kind, begin, ResourcePatternType.PREFIXED, f"User:{name}", "*"),
            *(AclOperation[operation], AclPermissionType.ALLOW),
        )
        for name, allowed in ALLOWED.items()
        for kind, begin, operations in allowed
        for operation in operations
    ]
    for future in admin.create_acls(rules).values():
        future.result(15)


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


QUARTIER = [sys.executable, "-m", "infra.cli.program"]
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


def as_finance(folder):
    (folder / "finance").write_text(FINANCE.password)
    return {
        "KAFKA_SASL_USERNAME": FINANCE.name,
        "KAFKA_SASL_PASSWORD_FILE": str(folder / "finance"),
    }


def test_the_relay_and_the_follower_are_let_in(log, broker, environ, finance, tmp_path):
    fund(log, "paquis", 2)
    cluster = broker.cluster(environ["KAFKA_TOPIC_PREFIX"])
    relay = subprocess.Popen(RELAY, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: relay.poll() is not None or complete(log, cluster), 30)
    finally:
        relay.terminate()
        said = relay.communicate(timeout=30)[1]
    assert relay.returncode == 0, said
    followed = run(FOLLOW, environ | as_finance(tmp_path))
    assert followed.returncode == 0, followed.stderr
    assert rows(finance, "SELECT count(*) FROM quartier.funding_event") == [(9,)]
    compared = run([*QUARTIER, "topics"], environ)
    assert (compared.returncode, "Nothing was missing" in compared.stdout) == (0, True)
    for each in (said, followed.stdout + followed.stderr, compared.stdout + compared.stderr):
        assert not any(secret in each for secret in SECRETS)


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
        assert not any(secret in each for secret in SECRETS)
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


def test_who_may_not_read_the_topic_is_told_so(environ, tmp_path):
    elsewhere = {"KAFKA_TOPIC_PREFIX": "another-municipality."}
    followed = run(FOLLOW, environ | as_finance(tmp_path) | elsewhere)
    assert followed.returncode == 1
    assert "TOPIC_AUTHORIZATION_FAILED" in followed.stderr
    assert not any(secret in followed.stderr for secret in SECRETS)


def test_a_password_that_is_missing_is_named(environ):
    del environ["KAFKA_SASL_PASSWORD_FILE"]
    followed = run(FOLLOW, environ)
    assert followed.returncode == 1
    assert "sasl.password must be set" in followed.stderr
