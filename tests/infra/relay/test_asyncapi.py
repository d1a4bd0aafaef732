"""The AsyncAPI document is valid to the official parser, and true of what is published."""

import datetime as dt
import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import orjson
import pytest
import yaml

from api.openapi.asyncapi import asyncapi, asyncapi_yaml
from domain.catalogue import catalogue
from domain.kernel.payload import write
from infra.log.tiles import Sealed
from infra.relay.accounts import MONEY
from infra.relay.messages import Messages
from infra.relay.shapes import FundingEvent
from infra.relay.topics import FUNDING, TOPICS
from tests.conftest import absent
from tests.projections.story import paquis, vieux_moulin

HERE = Path(__file__).parent / "asyncapi"
GOLDEN = Path(__file__).parents[2] / "golden" / "asyncapi.yaml"


@pytest.fixture(scope="module")
def parser():
    """The folder in which the official parser is installed, from its lock."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        absent("Node.js", "node or npm is not on the PATH")
    with (HERE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers must not install at once
        installed = HERE / "node_modules" / ".package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < (
            (HERE / "package-lock.json").stat().st_mtime
        ):
            made = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                check=False,
                cwd=HERE,
                capture_output=True,
                text=True,
            )
            if made.returncode:
                absent("@asyncapi/parser", made.stderr.strip()[-300:])
            installed.touch()
    return HERE


def test_the_official_parser_accepts_it(parser):
    checked = subprocess.run(
        ["node", "check.mjs"],
        cwd=parser,
        input=GOLDEN.read_text("utf-8"),
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(checked.stdout)
    assert [each for each in said["diagnostics"] if each["severity"] <= 1] == []
    assert (said["valid"], said["version"]) == (True, "3.0.0")
    assert said["messages"] == len(catalogue()) + 3


def test_what_is_served_is_what_was_checked(client):
    served = client.get("/api/asyncapi.yaml")
    assert served["Content-Type"] == "application/yaml"
    assert served["Cache-Control"] == "no-cache"
    assert served.content == GOLDEN.read_bytes()
    again = client.get("/api/asyncapi.yaml", headers={"If-None-Match": served["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/schema").json()["externalDocs"]["url"] == "/api/asyncapi.yaml"


def test_yaml_and_json_say_the_same():
    assert "&id" not in asyncapi_yaml()
    assert yaml.safe_load(asyncapi_yaml()) == asyncapi()


def test_every_topic_and_every_decision_type_is_there():
    document = asyncapi()
    assert {channel["address"] for channel in document["channels"].values()} == {
        topic.name for topic in TOPICS
    }
    assert list(document["channels"]["decisions"]["messages"]) == list(catalogue())


def validator(schema, components):
    return jsonschema.Draft7Validator({**schema, "components": components})


def test_every_type_of_the_examples_is_shown_as_it_is_published():
    components = asyncapi()["components"]
    messages = components["messages"]
    money = {kind.slug for kind in MONEY}
    shown = messages["funding-event"]["examples"]
    assert money <= {example["name"] for example in shown}
    for message in messages.values():
        for example in message.get("examples", ()):
            validator(message["payload"], components).validate(example["payload"])
            headers_of = components["messageTraits"]["cloudevent"]["headers"]
            validator(headers_of, components).validate(example["headers"])
            assert example["headers"]["ce_dataschema"] == message["x-dataschema"]
    for example in shown:
        FundingEvent.model_validate_json(orjson.dumps(example["payload"]))


def test_a_reader_who_validates_takes_a_version_that_has_gained_a_field():
    assert "additionalProperties: false" not in asyncapi_yaml()


class InMemory:
    """A history as the relay's source."""

    def __init__(self, history):
        self.recorded = history

    def history(self, contract, before, slugs):
        return [
            each for each in self.recorded if each.version < before and each.decision.slug in slugs
        ]

    def type_at(self, position):
        return next(r.decision.slug for r in self.recorded if r.position == position)


def rows_of(history):
    for each in history:
        kind, act = type(each.decision), each.act
        yield (
            each.position,
            each.contract,
            each.version,
            kind.slug,
            kind.schema_version,
            act.body.value,
            act.decided_on,
            each.recorded_at.astimezone(dt.UTC),
            act.recorded_by,
            write(each.decision, act).decode(),
        )


@pytest.mark.parametrize("example", [paquis, vieux_moulin])
def test_what_is_published_is_as_it_says(example):
    document = asyncapi()
    components = document["components"]
    headers_of = components["messageTraits"]["cloudevent"]["headers"]
    history = example()
    messages = Messages(InMemory(history), "urn:quartier")
    for row in rows_of(history):
        for message in messages.of(row):
            name = "funding-event" if message.topic == FUNDING else row[3]
            payload = components["messages"][name]["payload"]
            validator(payload, components).validate(orjson.loads(message.value))
            headers = {key: value.decode() for key, value in message.headers}
            validator(headers_of, components).validate(headers)
            assert headers["ce_dataschema"] == components["messages"][name]["x-dataschema"]


def test_a_checkpoint_is_as_it_says():
    text = "log.example/quartier\n3\nnTU2Z7eDCSbjOvnoERbIIvNSrvUGuuCE1wMkZiJXJfk=\n"
    line = "— log.example/quartier AAAAAA=="
    sealed = Sealed(3, bytes(32), text, ("key",), (line,), dt.datetime.now(dt.UTC))
    message = Messages(InMemory([]), "urn:quartier").of_checkpoint(sealed)
    assert message.value.decode() == f"{text}\n{line}\n"
    components = asyncapi()["components"]
    said = components["messages"]["checkpoint"]
    headers = {key: value.decode() for key, value in message.headers}
    validator(said["headers"], components).validate(headers)
    assert headers.keys() == said["headers"]["properties"].keys()
    assert headers["content-type"] == said["contentType"]
