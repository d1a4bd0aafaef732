"""The way to the brokers comes from the environment, and its secrets are never said."""

import pytest
from confluent_kafka import KafkaException, Producer

from infra.broker import kafka_client
from infra.broker.kafka_client import NoBroker, UnreadableSecret

SECURE = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka-1:9093,kafka-2:9093",
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "KAFKA_SASL_USERNAME": "quartier",
    "KAFKA_SASL_PASSWORD": "hidden",
    "KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM": "https",
    "KAFKA_HEAP_OPTS": "-Xmx512m",
    "KAFKA_TOPIC_PREFIX": "geneva.",
}


def test_what_is_documented_is_passed_on_and_nothing_else():
    cluster = kafka_client.cluster(SECURE)
    passed = {k: v for k, v in cluster.settings.items() if k.partition(".")[0] in {"sasl", "ssl"}}
    assert passed == {
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "quartier",
        "sasl.password": "hidden",
        "ssl.endpoint.identification.algorithm": "https",
    }
    assert cluster.settings["security.protocol"] == "SASL_SSL"
    assert "heap.opts" not in cluster.settings
    assert cluster.named("quartier.funding.v1") == "geneva.quartier.funding.v1"


def test_a_secret_may_be_a_file(tmp_path):
    (tmp_path / "password").write_text("hidden\n")
    environ = SECURE | {"KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "password")}
    del environ["KAFKA_SASL_PASSWORD"]
    assert kafka_client.cluster(environ).settings["sasl.password"] == "hidden"


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "Is a directory"), (b"hidd\xe9n", "not in UTF-8")],
    ids=["a folder", "Latin-1"],
)
def test_a_secret_that_cannot_be_read_is_named_and_not_said(tmp_path, content, why):
    file = tmp_path / "password"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(UnreadableSecret) as error:
        kafka_client.cluster(SECURE | {"KAFKA_SASL_PASSWORD_FILE": str(file)})
    assert str(error.value) == f"KAFKA_SASL_PASSWORD_FILE: {file} cannot be read: {why}."


def test_no_secret_is_said(caplog):
    cluster = kafka_client.cluster(SECURE)
    assert "hidden" not in repr(cluster)
    producer = Producer(dict(cluster.settings) | {"bootstrap.servers": "127.0.0.1:1"})
    with pytest.raises(KafkaException) as error:
        producer.list_topics(timeout=0.5)
    producer.poll(0)
    assert "hidden" not in str(error.value) + caplog.text


def refusal(settings):
    try:
        Producer(dict(settings))
    except KafkaException as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", kafka_client.PASSED_ON)
def test_every_name_is_one_that_librdkafka_knows(name):
    """A property of that name exists: what it refuses is at most the value."""
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", name: "GSSAPI"}
    assert "No such configuration property" not in refusal(kafka_client.cluster(environ).settings)
    assert "No such configuration property" in refusal({"sasl.unheard.of": "GSSAPI"})


def test_without_a_broker_it_says_which_variable_to_set():
    with pytest.raises(NoBroker, match="KAFKA_BOOTSTRAP_SERVERS"):
        kafka_client.cluster({})
