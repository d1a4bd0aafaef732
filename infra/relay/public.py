"""What of a decision everyone may read, for good: `quartier.decisions.v1`.

A topic forgets nothing, and who reads it is not known. So what may have to be forgotten is never
in it: persons, not even by identifier, and residents' own words, not even by reference. A public
text stays a reference, as in the event: its id and its salted digest say nothing by themselves,
and nothing at all once the text is erased; the API gives the text as long as it is kept. What is
withheld is left out.

Which fields these are is read from the types of the decisions, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from domain.kernel.act import Evidence
from domain.kernel.values import TextRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.decision import Decision

WITHHELD: Final = frozenset({"person", "restricted text"})
"""Marks of the types of `domain.kernel.values` that are left out."""

DECISION_VERSION: Final = 1


class Plan(Enum):
    """What to do with all values of a type."""

    KEEP = "keep"
    LEAVE_OUT = "leave out"


Prune = Callable[[Any], Any]


@cache
def withheld_fields(model: type[BaseModel]) -> Mapping[str, Prune | Plan]:
    """The fields of a model that cannot be passed on as they are, and what to do with each."""
    plans = {
        name: _plan(info.annotation, tuple(info.metadata))
        for name, info in model.model_fields.items()
    }
    return {name: plan for name, plan in plans.items() if plan is not Plan.KEEP}


def public_data(kind: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a decision that everyone may read.

    Args:
        kind: the decision type.
        data: its fields as they are stored, all or some of them.
    """
    plans = withheld_fields(kind)
    kept = {}
    for name, value in data.items():
        plan = plans.get(name, Plan.KEEP)
        if plan is Plan.KEEP:
            kept[name] = value
        elif callable(plan):
            kept[name] = plan(value)
    return kept


def _plan(annotation: Any, metadata: tuple[Any, ...] = ()) -> Prune | Plan:
    if any(isinstance(mark, str) and mark in WITHHELD for mark in metadata):
        return Plan.LEAVE_OUT
    origin, arguments = get_origin(annotation), get_args(annotation)
    plan: Prune | Plan = Plan.KEEP
    if origin is Annotated:
        plan = _plan(arguments[0], arguments[1:])
    elif origin in {Union, UnionType}:
        plan = _plan_of_one([_plan(each) for each in arguments])
    elif origin in {tuple, list, frozenset, set}:
        of_each = _plan_of_one([_plan(each) for each in arguments if each is not Ellipsis])
        plan = of_each if isinstance(of_each, Plan) else _each(of_each)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        plan = _plan_of_model(annotation)
    return plan


def _plan_of_model(model: type[BaseModel]) -> Prune | Plan:
    if not withheld_fields(model):
        return Plan.KEEP
    return lambda value: public_data(model, value) if isinstance(value, dict) else value


def _plan_of_one(plans: list[Prune | Plan]) -> Prune | Plan:
    """The most careful one: what is withheld in one form is withheld in all."""
    if Plan.LEAVE_OUT in plans:
        return Plan.LEAVE_OUT
    return next((plan for plan in plans if callable(plan)), Plan.KEEP)


def _each(prune: Prune) -> Prune:
    return lambda values: [prune(value) for value in values]


# --- Schemas --------------------------------------------------------------------------------------


def decision_schema_id(kind: type[Decision]) -> str:
    """The `ce_dataschema` of what `quartier.decisions.v1` carries for a decision type."""
    return f"urn:quartier:schema:decision:{kind.slug}:{kind.schema_version}"


def decision_schema(kind: type[Decision]) -> dict[str, Any]:
    """The JSON Schema of what `quartier.decisions.v1` carries for a decision type."""
    data = kind.model_json_schema(mode="serialization")
    definitions = data.pop("$defs", {})
    for model in _models(kind):
        part = data if model is kind else definitions.get(model.__name__)
        if part is not None:
            _leave_out(part, model)
    for shared in (Evidence, TextRef):
        definitions.setdefault(shared.__name__, shared.model_json_schema(mode="serialization"))
    text = {"type": "string"}
    envelope: dict[str, Any] = {
        "contract": text,
        "position": {"type": "integer", "minimum": 1},
        "version": {"type": "integer", "minimum": 1},
        "type": {"const": kind.slug},
        "schema": {"const": kind.schema_version},
        "body": {"enum": sorted(body.value for body in kind.taken_by)},
        "basis": {"const": kind.basis},
        "decided_on": text | {"format": "date"},
        "recorded_at": text | {"format": "date-time"},
        "recorded_by": text | {"description": "The account of an office, never a person's."},
        "data": data,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": decision_schema_id(kind),
        "title": kind.name,
        "description": (kind.__doc__ or "").strip().partition("\n")[0],
        "type": "object",
        "properties": envelope
        | {
            "evidence": {"type": "array", "items": {"$ref": "#/$defs/Evidence"}},
            "departures": {
                "type": "object",
                "description": "Why a rule was departed from, by rule.",
                "additionalProperties": {"$ref": "#/$defs/TextRef"},
            },
        },
        "required": list(envelope),
        "$defs": definitions,
    }


def _leave_out(schema: dict[str, Any], model: type[BaseModel]) -> None:
    schema.pop("additionalProperties", None)
    gone = {name for name, plan in withheld_fields(model).items() if plan is Plan.LEAVE_OUT}
    for name in gone:
        schema.get("properties", {}).pop(name, None)
    # What is None is left out of an event: only what has no default is sure to be there.
    schema["required"] = [
        name for name, info in model.model_fields.items() if info.is_required() and name not in gone
    ]


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and all that its fields are made of."""
    yield model
    for info in model.model_fields.values():
        for each in _classes(info.annotation):
            yield from _models(each)


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _classes(argument)
