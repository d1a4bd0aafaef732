"""The broker that the tests run against is Apache Kafka, transactions included."""

import secrets

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

pytestmark = pytest.mark.kafka


@pytest.fixture
def topic(kafka):
    """A topic of the test's own, with one partition."""
    admin = AdminClient({"bootstrap.servers": kafka})
    name = f"test.{secrets.token_hex(8)}"
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])[name].result(10)
    yield name
    admin.delete_topics([name])[name].result(10)


def transactional(kafka, name):
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": name})
    producer.init_transactions(10)
    return producer


def committed(kafka, topic):
    """Every value that a reader of committed transactions sees, up to the end of the topic."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": secrets.token_hex(8),
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = []
    try:
        while (message := consumer.poll(10)) is not None and message.error() is None:
            values.append(message.value())
    finally:
        consumer.close()
    return values


def test_only_what_was_committed_is_read(kafka, topic):
    producer = transactional(kafka, topic)
    for value, end in (
        (b"aborted", producer.abort_transaction),
        (b"committed", producer.commit_transaction),
    ):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(10)
        end(10)
    assert committed(kafka, topic) == [b"committed"]


def test_a_newer_producer_fences_the_older_one(kafka, topic):
    older = transactional(kafka, topic)
    older.begin_transaction()
    older.produce(topic, b"from the fenced")
    newer = transactional(kafka, topic)
    with pytest.raises(KafkaException) as fenced:
        older.commit_transaction(10)
    assert fenced.value.args[0].fatal()
    newer.begin_transaction()
    newer.produce(topic, b"from the newer")
    newer.commit_transaction(10)
    assert committed(kafka, topic) == [b"from the newer"]
