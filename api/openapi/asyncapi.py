"""The AsyncAPI 3 description of what leaves by Kafka, derived from the decision types.

Nothing is written here twice: a message of `quartier.decisions.v1` is a decision type, and what
`quartier.funding.v1` carries is `infra.relay.shapes`. The examples are worked out from the two
example contracts.

Schemas stay open although the shapes behind them are closed: fields may be added to a version, and
whoever validates what he reads must not refuse them.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import yaml

from api.openapi.asyncapi_examples import examples
from domain.catalogue import catalogue
from domain.kernel.history import Correction
from domain.kernel.values import KEY_PATTERN
from infra.relay.accounts import MONEY
from infra.relay.public import decision_schema
from infra.relay.shapes import FUNDING_SCHEMA, FUNDING_VERSION, funding_schema
from infra.relay.topics import CHECKPOINTS, DECISIONS, FUNDING, POSITIONS, TOPICS

if TYPE_CHECKING:
    from domain.kernel.decision import Decision

JSON: Final = "application/json"
NOTE: Final = "text/plain; charset=utf-8"

_TITLES: Final = {
    FUNDING: "Funding events",
    DECISIONS: "Decisions",
    CHECKPOINTS: "Checkpoints of the transparency log",
    POSITIONS: "The relay's position",
}
_DESCRIPTIONS: Final = {
    FUNDING: """\
Every decision about money, every correction of one, and where the money stands after it. Each
exactly once, in order within a contract; `number` counts them without gaps.
""",
    DECISIONS: """\
Every decision, less what may have to be forgotten: persons are left out, and so are residents'
own words; other texts are references.
""",
    CHECKPOINTS: """\
Signed checkpoints of the transparency log (C2SP tlog-checkpoint), as text: each once, and after
the events that it covers. Kept here they are out of our hands: no later history can differ from
one that they cover.
""",
    POSITIONS: """\
How far the relay has come: its own record, in the transaction of the events. Compacted.
""",
}


@cache
def _document() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    messages: dict[str, Any] = {"funding-event": _funding_message(schemas)}
    decisions = {}
    for slug, kind in catalogue().items():
        messages[slug] = decisions[slug] = _decision_message(kind, schemas)
    messages["checkpoint"] = _checkpoint_message()
    messages["position"] = {
        "name": "position",
        "title": "Position of a relay",
        "contentType": JSON,
        "payload": {
            "type": "object",
            "required": ["position", "event", "published", "checkpoint"],
            "properties": {
                "position": {"type": "integer", "minimum": 1},
                "event": {"type": "string", "description": "ce_id of the event there"},
                "published": {"type": "object", "additionalProperties": {"type": "integer"}},
                "checkpoint": {"type": "integer", "description": "Tree size of the last one"},
            },
        },
    }
    carried = {
        FUNDING: ["funding-event"],
        DECISIONS: list(decisions),
        CHECKPOINTS: ["checkpoint"],
        POSITIONS: ["position"],
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Quartier",
            "version": f"{FUNDING_VERSION}.0.0",
            "description": (
                "What Quartier publishes to Kafka: CloudEvents 1.0 in binary mode, the key is the "
                "contract. Read with `isolation.level=read_committed`; beyond the topic, "
                "deduplicate by `ce_source` and `ce_id` in your own transaction. Amounts are Swiss "
                "francs, as text with two decimals: read them as decimal numbers, not as floats. "
                "Ignore fields that you do not know: a version may gain some, and only that. "
                "`GET /api/v1/funding/digest?date=` gives the digest of a day to compare yours "
                "with; the same decisions can be read without Kafka at `GET /api/v1/events`."
            ),
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": JSON,
        "servers": {
            "kafka": {
                "host": "{bootstrap_servers}",
                "protocol": "kafka",
                "description": "The brokers that KAFKA_BOOTSTRAP_SERVERS names.",
                "variables": {"bootstrap_servers": {"default": "127.0.0.1:9092"}},
            }
        },
        "channels": {
            _id(topic.name): {
                "address": topic.name,
                "title": _TITLES[topic.name],
                "description": _DESCRIPTIONS[topic.name],
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in carried[topic.name]
                },
                "bindings": {
                    "kafka": {
                        "topic": topic.name,
                        "partitions": topic.partitions,
                        "topicConfiguration": _configuration(topic.settings["cleanup.policy"]),
                        "bindingVersion": "0.5.0",
                    }
                },
            }
            for topic in TOPICS
        },
        "operations": {
            f"publish-{_id(topic.name)}": {
                "action": "send",
                "title": _TITLES[topic.name],
                "channel": {"$ref": f"#/channels/{_id(topic.name)}"},
            }
            for topic in TOPICS
        },
        "components": {
            "messages": messages,
            "messageTraits": {"cloudevent": _cloudevent()},
            "schemas": schemas,
        },
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document, as JSON values."""
    return copy.deepcopy(_document())


def asyncapi_yaml() -> str:
    """The same as YAML, the same bytes at every call."""
    text: str = yaml.safe_dump(asyncapi(), allow_unicode=True, sort_keys=False, width=100)
    return text


def _id(topic: str) -> str:
    """`quartier.funding.v1` -> `funding`; `quartier.relay.positions` -> `relay-positions`."""
    return topic.removeprefix("quartier.").removesuffix(".v1").replace(".", "-")


def _configuration(policy: str) -> dict[str, Any]:
    if policy == "compact":
        return {"cleanup.policy": ["compact"]}
    return {"cleanup.policy": ["delete"], "retention.ms": -1, "retention.bytes": -1}


# --- Messages -------------------------------------------------------------------------------------


def _cloudevent() -> dict[str, Any]:
    """The headers that every event has (CloudEvents 1.0, Kafka protocol binding, binary mode)."""
    text = {"type": "string"}
    return {
        "contentType": JSON,
        "headers": {
            "type": "object",
            "required": [
                "ce_specversion",
                "ce_id",
                "ce_source",
                "ce_type",
                "ce_time",
                "ce_subject",
                "ce_sequence",
                "ce_dataschema",
                "content-type",
            ],
            "properties": {
                "ce_specversion": {"type": "string", "const": "1.0"},
                "ce_id": text | {"description": "Contract and version, such as `paquis/41`."},
                "ce_source": text | {"description": "Which Quartier; never changes."},
                "ce_type": text | {"pattern": r"^ch\.quartier\.[a-z0-9-]+\.v1$"},
                "ce_time": text | {"format": "date-time", "description": "When it was recorded."},
                "ce_subject": text | {"description": "The contract."},
                "ce_sequence": text
                | {
                    "pattern": "^[0-9]{20}$",
                    "description": "Place in the one order of all decisions, from 1, padded.",
                },
                "ce_dataschema": text | {"description": "The schema of the payload."},
                "content-type": {"type": "string", "const": JSON},
            },
        },
        "bindings": {
            "kafka": {
                "key": {
                    "type": "string",
                    "pattern": KEY_PATTERN,
                    "description": "The contract, as in `ce_subject`.",
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _funding_message(schemas: dict[str, Any]) -> dict[str, Any]:
    kinds = sorted(
        kind.slug for kind in catalogue().values() if kind in MONEY or issubclass(kind, Correction)
    )
    payload = _placed(funding_schema(), schemas, "FundingEvent")
    payload["properties"]["type"] = {"type": "string", "enum": kinds}
    schemas["FundingEvent"] = payload
    return {
        "name": "funding-event",
        "title": "Funding event",
        "summary": "A decision about money, or a correction of one.",
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "payload": {"$ref": "#/components/schemas/FundingEvent"},
        "examples": [example for (topic, slug), example in examples().items() if topic == FUNDING],
        "x-dataschema": FUNDING_SCHEMA,
    }


def _checkpoint_message() -> dict[str, Any]:
    event = _cloudevent()
    properties = event["headers"]["properties"]
    described = {
        "ce_id": "`checkpoint/` and the size of the tree.",
        "ce_time": "When it was signed.",
        "ce_subject": "The log's origin.",
        "ce_sequence": "The last position that it covers: the size of the tree, padded.",
    }
    for name, description in described.items():
        properties[name] = properties[name] | {"description": description}
    properties["ce_type"] = {"type": "string", "const": "ch.quartier.checkpoint.v1"}
    properties["content-type"] = {"type": "string", "const": NOTE}
    del properties["ce_dataschema"]
    required = [name for name in event["headers"]["required"] if name in properties]
    return {
        "name": "ch.quartier.checkpoint.v1",
        "title": "Checkpoint",
        "contentType": NOTE,
        "headers": {**event["headers"], "required": required},
        "payload": {"type": "string"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The log's origin."},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _decision_message(kind: type[Decision], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = decision_schema(kind)
    schemas[kind.name] = _placed(schema, schemas, kind.name)
    example = examples().get((DECISIONS, kind.slug))
    return {
        "name": f"ch.quartier.{kind.slug}.v1",
        "title": kind.en,
        "summary": schema["description"],
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "payload": {"$ref": f"#/components/schemas/{kind.name}"},
        **({"examples": [example]} if example else {}),
        "x-dataschema": schema["$id"],
        "x-title-fr": kind.fr,
    }


def _placed(schema: dict[str, Any], schemas: dict[str, Any], owner: str) -> dict[str, Any]:
    """The schema with its definitions moved to the document's own.

    A definition that another schema has under the same name, and that says something else, is
    placed under the owner's name as well.
    """
    own = {name: part for name, part in schema.items() if name not in {"$schema", "$id", "$defs"}}
    definitions: dict[str, Any] = schema.get("$defs", {})
    names = {name: name for name in definitions}
    for name, definition in definitions.items():
        referring = _referring(definition, names)
        if schemas.setdefault(name, referring) != referring:
            names[name] = f"{owner}.{name}"
    for name, definition in definitions.items():
        schemas[names[name]] = _referring(definition, names)
    placed: dict[str, Any] = _referring(own, names)
    return placed


def _referring(part: Any, names: dict[str, str]) -> Any:
    """The same, open, with its references to definitions led to where these are placed."""
    match part:
        case {"$ref": str(reference)} if reference.startswith("#/$defs/"):
            name = names[reference.removeprefix("#/$defs/")]
            return {**part, "$ref": f"#/components/schemas/{name}"}
        case dict():
            return {
                key: _referring(value, names)
                for key, value in part.items()
                if (key, value) != ("additionalProperties", False)
            }
        case list():
            return [_referring(each, names) for each in part]
        case _:
            return part
