"""What docs/finance.md shows is so: its twenty lines land every event once, its message is real."""

import datetime as dt
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import psycopg
import pytest

from infra.broker import kafka_client
from infra.exchange.importing import import_file
from infra.relay import topics
from infra.relay.messages import Messages
from infra.relay.source import LogSource
from infra.relay.topics import FUNDING, KEPT_FOR_EVER, TOPICS
from tests.infra.relay.checks import rows
from tests.infra.relay.processes import filling
from tests.infra.relay.reading import SOURCE, headers, read, relaying, wait_until

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "finance.md").read_text("utf-8")
EXAMPLE = ROOT / "infra" / "exchange" / "examples" / "vieux-moulin.ndjson"


def block(language, containing):
    """The only code block of that language that has this in it."""
    (found,) = (
        each
        for each in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
        if containing in each
    )
    return found


# --- Twenty lines -------------------------------------------------------------------------------


@pytest.fixture
def program(cluster, kafka, finance, tmp_path):
    """A start of the program on the page; only the name of the topic is another."""
    text = block("python", "confluent_kafka").replace(FUNDING, cluster.named(FUNDING))
    (tmp_path / "follow.py").write_text(text)
    environ = {**os.environ, "FINANCE_DSN": finance, "KAFKA_BOOTSTRAP_SERVERS": kafka}
    started = []

    def start():
        command = [sys.executable, str(tmp_path / "follow.py")]
        started.append(subprocess.Popen(command, env=environ))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(10)


@pytest.mark.kafka
@pytest.mark.parametrize("times", [8, pytest.param(50, marks=pytest.mark.torture)])
def test_twenty_lines_land_every_event_once_whenever_they_are_killed(
    log, cluster, finance, program, times
):
    assert sum(map(bool, block("python", "confluent_kafka").splitlines())) == 20
    topics.ensure(cluster)
    with filling(log), relaying(log, cluster) as running:
        for _ in range(times):
            process = program()
            time.sleep(random.uniform(0.1, 1.5))  # noqa: S311 - any moment
            assert process.poll() is None, "it ended by itself"
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    with relaying(log, cluster) as running:
        wait_until(lambda: running.has_come_to(log.size()))
    published = {
        (headers(message)["ce_id"], message.key().decode()): orjson.loads(message.value())
        for message in read(cluster, FUNDING)
    }
    program()
    count = "SELECT count(*) FROM funding"
    wait_until(lambda: is_there(finance) and rows(finance, count) == [(len(published),)], 60)
    landed = rows(finance, "SELECT id, contract, event, source FROM funding")
    assert {(id_, contract): event for id_, contract, event, _ in landed} == published
    assert {source for *_, source in landed} == {SOURCE}
    query = block("sql", "missing").strip().rstrip(";")
    assert rows(finance, query) == []
    with psycopg.connect(finance) as connection:
        connection.execute("DELETE FROM funding WHERE number = 3 AND contract = 'load-1'")
    assert rows(finance, query) == [(SOURCE, "load-1", 1)]


def is_there(finance):
    return rows(finance, "SELECT to_regclass('funding')") != [(None,)]


# --- What it shows ------------------------------------------------------------------------------


def test_the_message_it_shows_is_published(log):
    with EXAMPLE.open("rb") as lines:
        assert not import_file(lines, now=dt.datetime.now(dt.UTC)).faulty
    source = LogSource(log.connect)
    messages = Messages(source, SOURCE)
    published = {
        dict(message.headers)["ce_id"].decode(): message
        for row in source.rows(0, 1000)
        for message in messages.of(row)
        if message.topic == FUNDING
    }
    source.close()
    shown = orjson.loads(block("json", '"vieux-moulin", "version": 99'))
    message = published["vieux-moulin/99"]
    ours = orjson.loads(message.value)
    assert shown == ours | {"recorded_at": shown["recorded_at"]}
    told = dict(re.findall(r"^\| `(ce_\w+|content-type)` \| `([^`]+)`", PAGE, re.MULTILINE))
    assert told == {name: value.decode() for name, value in message.headers} | {
        "ce_time": shown["recorded_at"]
    }
    correction = orjson.loads(block("json", "decision-rectified"))
    ours = orjson.loads(published["vieux-moulin/111"].value)
    assert contains(ours, correction)


def contains(whole, part):
    """Whether all that a part says is in the whole."""
    if isinstance(part, dict):
        return all(contains(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return whole == part


def test_every_topic_setting_and_variable_is_there():
    for topic in TOPICS:
        assert f"`{topic.name}`" in PAGE
    for name in (*KEPT_FOR_EVER, "min.insync.replicas", "unclean.leader.election.enable"):
        assert f"`{name}`" in PAGE
    for name in kafka_client.PASSED_ON:
        assert f"`{name}`" in PAGE
    for name in kafka_client.SECRETS:
        assert f"`{name}_FILE`" in PAGE


def test_every_place_the_program_points_to_is_there():
    """Messages say: See docs/finance.md, “The position is lost”."""
    headings = set(re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE))
    named = {
        name
        for file in (ROOT / "infra").rglob("*.py")
        for name in re.findall(r'docs/finance\.md,[\s"]*“(.+?)”', file.read_text("utf-8"))
    }
    assert named >= {"The position is lost", "A topic is lost", "The log diverged", "A gap"}
    assert named <= headings
