"""The schemas of OpenAPI's `components`: of each decision type, each view, each row of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from api.http.tables import schema_of
from api.openapi.shapes import shapes
from domain.catalogue import catalogue
from domain.chapters.initiation import ContractInitiated
from domain.kernel.values import KEY_PATTERN, TEXT_LIMIT
from projections.catalogue import VIEWS
from projections.tables import calendar, ledger_queries, ledger_sums, register_queries, silences

if TYPE_CHECKING:
    from domain.kernel.decision import Decision

REF: Final = "#/components/schemas/{model}"

_ROWS: Final = {
    "Balance": ledger_queries.BalanceOf,
    "Contract": register_queries.EntryOf,
    "Day": calendar.DayOf,
    "Entry": ledger_queries.EntryOf,
    "Silence": silences.SilenceOf,
    "Sum": ledger_sums.SumOf,
}
"""The rows of lists across contracts."""


def schemas() -> dict[str, Any]:
    """All of them, by name."""
    kinds = list(catalogue().values())
    _, definitions = models_json_schema([(kind, "validation") for kind in kinds], ref_template=REF)
    described: dict[str, Any] = {**shapes(REF), **definitions["$defs"]}
    for kind in kinds:
        described[f"Sent{kind.name}"] = _sent(kind)
        described[f"Recorded{kind.name}"] = _recorded(kind)
    for name, row in _ROWS.items():
        described[name] = schema_of(row)
    for view in VIEWS.values():
        described.update(_namespaced(_view_name(view.name), _of_contract(view.schema())))
    return dict(sorted(described.items()))


def named(schema: str | dict[str, Any]) -> dict[str, Any]:
    """A schema, or a reference to one; `XPage` is a page of `X`."""
    if isinstance(schema, dict):
        return schema
    if schema.endswith("Page"):
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {
                    "type": ["string", "null"],
                    "description": "The address of the next page; null if this is the last.",
                },
                "results": {"type": "array", "items": named(schema.removesuffix("Page"))},
            },
        }
    return {"$ref": REF.format(model=schema)}


def of_kind(schema: str | dict[str, Any], kind: type[Decision] | None) -> str | dict[str, Any]:
    """The schema that one decision type has in the place of `schema`."""
    return f"{schema}{kind.name}" if kind is not None and isinstance(schema, str) else schema


def _sent(kind: type[Decision]) -> dict[str, Any]:
    """A decision of this type as it is sent."""
    properties: dict[str, Any] = {
        "decided_on": {"type": "string", "format": "date", "description": "When it was decided."},
        "data": named(kind.name),
        "body": {
            "enum": [*sorted(str(body) for body in kind.taken_by), None],
            "description": "Who decided; needed where several bodies may, and the account's role"
            " is none of them.",
        },
        "evidence": {"type": "array", "items": named("Evidence"), "maxItems": 100},
        "departures": {
            "type": "object",
            "description": "Why the body went ahead although a rule that can be departed from"
            " stood in the way, by rule.",
            "properties": {
                rule.id: {"type": "string", "minLength": 1, "maxLength": TEXT_LIMIT}
                for rule in kind.rules()
                if rule.departable
            },
            "additionalProperties": False,
        },
    }
    if kind is ContractInitiated:
        properties["contract"] = {
            "type": ["string", "null"],
            "pattern": KEY_PATTERN,
            "description": "The contract's id; made from its title if it is not given.",
        }
    return {
        "type": "object",
        "title": f"Sent{kind.name}",
        "required": ["decided_on", "data"],
        "properties": properties,
        "additionalProperties": False,
    }


def _recorded(kind: type[Decision]) -> dict[str, Any]:
    """A decision of this type in its place in history."""
    return {
        "title": f"Recorded{kind.name}",
        "allOf": [
            named("Recorded"),
            {
                "type": "object",
                "properties": {"type": {"const": kind.slug}, "data": named(kind.name)},
            },
        ],
    }


def _of_contract(schema: dict[str, Any]) -> dict[str, Any]:
    """A view's document, with the contract it is of and the version that contract is at."""
    head = {
        "contract": {"type": "string", "pattern": KEY_PATTERN},
        "version": {"type": "integer", "minimum": 1},
    }
    schema["properties"] = {**head, **schema["properties"]}
    schema["required"] = [*head, *schema.get("required", [])]
    return schema


def _view_name(name: str) -> str:
    return f"{name.title().replace('_', '')}View"


def _namespaced(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with definitions of its own, each under a name of its own."""
    definitions = schema.pop("$defs", {})

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: each.replace("#/$defs/", f"#/components/schemas/{name}.")
                if key == "$ref"
                else moved(each)
                for key, each in value.items()
            }
        return [moved(each) for each in value] if isinstance(value, list) else value

    return {name: moved(schema)} | {
        f"{name}.{inner}": moved(definition) for inner, definition in definitions.items()
    }
