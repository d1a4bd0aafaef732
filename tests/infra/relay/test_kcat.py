"""A program that has nothing to do with ours reads the topics as they are documented."""

import re
import shutil
import subprocess

import orjson
import pytest

from domain.catalogue import catalogue
from infra.relay.shapes import FUNDING_SCHEMA
from infra.relay.topics import DECISIONS, FUNDING
from tests.conftest import absent
from tests.infra.relay.reading import SOURCE, headers, read, relaying, wait_until
from tests.infra.relay.story import fund

pytestmark = pytest.mark.kafka

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


@pytest.fixture(scope="session")
def kcat():
    """The path of Debian's kcat."""
    found = shutil.which("kcat")
    if found is None:
        absent("kcat", "kcat is not on the PATH")
    return found


@pytest.fixture
def consumed(kcat, kafka, log, cluster):
    """What kcat reads of a topic: key, headers and payload of each message."""
    for contract in ("paquis", "grottes"):
        fund(log, contract, 2)
    with relaying(log, cluster) as running:
        wait_until(lambda: running.has_come_to(log.size()))

    def consume(topic):
        ran = subprocess.run(
            [
                *(kcat, "-C", "-b", kafka, "-t", cluster.named(topic), "-o", "beginning", "-e"),
                *("-X", "isolation.level=read_committed", "-f", r"%k\t%h\t%s\n"),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return [read_line(line) for line in ran.stdout.splitlines()]

    return consume


def read_line(line):
    key, given, payload = line.decode().split("\t")
    return key, dict(each.split("=", 1) for each in given.split(",")), orjson.loads(payload)


def test_funding_events(consumed, cluster):
    found = consumed(FUNDING)
    assert len(found) == 18
    for number, (key, given, event) in enumerate(found):
        assert given == {
            "ce_specversion": "1.0",
            "ce_id": f"{key}/{event['version']}",
            "ce_source": SOURCE,
            "ce_type": f"ch.quartier.{event['type']}.v1",
            "ce_time": event["recorded_at"],
            "ce_subject": key,
            "ce_sequence": f"{event['position']:020d}",
            "ce_dataschema": FUNDING_SCHEMA,
            "content-type": "application/json",
        }, number
        assert key == event["contract"]
        assert INSTANT.fullmatch(given["ce_time"])
    ours = {
        (message.key().decode(), message.value(), tuple(sorted(headers(message).items())))
        for message in read(cluster, FUNDING)
    }
    assert {
        (key, orjson.dumps(event), tuple(sorted(given.items()))) for key, given, event in found
    } == ours


def test_decisions(consumed):
    found = consumed(DECISIONS)
    assert len(found) == 20
    for key, given, event in found:
        kind = catalogue()[event["type"]]
        assert given["ce_type"] == f"ch.quartier.{kind.slug}.v1"
        assert given["ce_id"] == f"{key}/{event['version']}"
        assert event["data"]
