"""The form of a decision type: its fields in order, as whoever draws a form needs them.

Derived from the class: names from `words.py`, kinds from what its fields are annotated with.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, Final, NotRequired, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, StringConstraints
from typing_extensions import TypedDict

from api.resources.words import label_of
from domain.chapters.corrections import OnlyStored
from domain.kernel.values import Term

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic.fields import FieldInfo

    from domain.kernel.decision import Decision
    from domain.kernel.values import Bilingual


class Choice(TypedDict):
    """One member of a closed vocabulary."""

    value: str
    label: dict[str, str]


class Field(TypedDict):
    """One field of a form.

    kind: what to ask for: one of `KINDS`.
    refers_to: the list that the value is taken from: of `GET /reference` (departments, services,
        themes), of the contract's own things (plenaries, groups, needs, actions, …), or the
        vault's persons.
    many: a list of such values, in order.
    fields: of a group, its own fields.
    """

    name: str
    label: dict[str, str]
    kind: str
    required: bool
    many: bool
    refers_to: NotRequired[str]
    choices: NotRequired[list[Choice]]
    fields: NotRequired[list[Field]]
    default: NotRequired[Any]
    minimum: NotRequired[float]
    maximum: NotRequired[float]
    min_length: NotRequired[int]
    max_length: NotRequired[int]
    min_items: NotRequired[int]
    max_items: NotRequired[int]
    pattern: NotRequired[str]


KINDS: Final = {
    "amount": "amount",
    "citation": "line",
    "corrected fields": "corrected-fields",
    "day": "date",
    "geometry": "geometry",
    "language": "language",
    "person": "person",
    "place": "line",
    "restricted text": "restricted-text",
    "roadmap version": "integer",
    "text": "text",
    "text id": "text-id",
    "title": "line",
    "year": "year",
    **dict.fromkeys(
        (
            "action",
            "department",
            "milestone",
            "need",
            "plenary",
            "service",
            "theme",
            "working group",
        ),
        "key",
    ),
}
"""The kind of field that each word in an annotation stands for (`domain/kernel/values.py`)."""

_LISTS: Final = {
    "action": "actions",
    "department": "departments",
    "milestone": "milestones",
    "need": "needs",
    "person": "persons",
    "plenary": "plenaries",
    "roadmap version": "roadmaps",
    "service": "services",
    "theme": "themes",
    "working group": "groups",
}

_PLAIN: Final[dict[Any, str]] = {
    bool: "boolean",
    float: "number",
    int: "integer",
    str: "line",
}


def form_of(kind: type[Decision]) -> list[Field]:
    """The fields of a decision type, in the order of its class."""
    return _fields(kind)


def said(bilingual: Bilingual) -> dict[str, str]:
    """Both languages, as JSON gives them."""
    return {"fr": bilingual.fr, "en": bilingual.en}


def _fields(model: type[BaseModel]) -> list[Field]:
    return [
        _field(name, info)
        for name, info in model.model_fields.items()
        if not any(isinstance(note, OnlyStored) for note in info.metadata)
    ]


def _field(name: str, info: FieldInfo) -> Field:
    annotation, notes = _unwrapped(info.annotation, list(info.metadata))
    field: Field = {
        "name": name,
        "label": said(label_of(name)),
        "kind": "line",
        "required": info.is_required(),
        "many": False,
    }
    if get_origin(annotation) in {tuple, list}:
        field["many"] = True
        field.update(_limits(notes, items=True))  # type: ignore[typeddict-item]
        annotation, notes = _unwrapped(get_args(annotation)[0], [])
    field.update(_kind(annotation, notes))  # type: ignore[typeddict-item]
    field.update(_limits(notes, items=False))  # type: ignore[typeddict-item]
    if not info.is_required() and info.default not in (None, ()):
        field["default"] = _plain(info.get_default(call_default_factory=True))
    return field


def _unwrapped(annotation: Any, notes: list[Any]) -> tuple[Any, list[Any]]:
    """The type within `Annotated` and `| None`, and all the notes on the way."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *found = get_args(annotation)
            notes += found
        elif get_origin(annotation) in {Union, types.UnionType}:
            present = [each for each in get_args(annotation) if each is not type(None)]
            if len(present) != 1:
                return annotation, notes
            annotation = present[0]
        else:
            return annotation, notes


def _kind(annotation: Any, notes: Iterable[Any]) -> dict[str, Any]:
    for note in notes:
        if isinstance(note, str) and note in KINDS:
            of_list = {"refers_to": _LISTS[note]} if note in _LISTS else {}
            return {"kind": KINDS[note], **of_list}
    if isinstance(annotation, type):
        if issubclass(annotation, Term):
            choices = [{"value": str(term), "label": said(term.label)} for term in annotation]
            return {"kind": "choice", "choices": choices}
        if issubclass(annotation, BaseModel):
            return {"kind": "group", "fields": _fields(annotation)}
    return {"kind": _PLAIN.get(annotation, "json")}


def _limits(notes: Iterable[Any], *, items: bool) -> Iterator[tuple[str, Any]]:
    of = "items" if items else "length"
    for note in notes:
        match note:
            case MinLen():
                yield f"min_{of}", note.min_length
            case MaxLen():
                yield f"max_{of}", note.max_length
            case Ge():
                yield "minimum", note.ge
            case Le():
                yield "maximum", note.le
            case StringConstraints():
                given = {
                    "min_length": note.min_length,
                    "max_length": note.max_length,
                    "pattern": note.pattern,
                }
                yield from ((name, value) for name, value in given.items() if value is not None)


def _plain(default: Any) -> Any:
    match default:
        case Term():
            return str(default)
        case tuple() | list():
            return [_plain(each) for each in default]
        case BaseModel():
            return default.model_dump(mode="json")
        case _:
            return default
