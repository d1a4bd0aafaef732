"""Events last for ever, so no event type has a field that could hold what may be forgotten.

Every word an event holds is of a closed list of kinds, which its type is marked with; a text and
an identity are held by reference.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from domain.catalogue import catalogue
from domain.kernel.act import Evidence
from domain.kernel.decision import Decision
from domain.kernel.payload import Content
from domain.kernel.values import Key, TextRef

HARMLESS = (Enum, bool, int, float, type(None))

MARKED = {
    str: {"key", "person", "title", "citation", "place", "language", "text id", "digest", "sha256"},
    Decimal: {"amount"},
    dt.date: {"day"},
    dict: {"geometry", "corrected fields"},
}
"""What words, sums, days and free-form objects may be. Corrected fields are of their type."""


def leaves(
    annotation: Any, metadata: tuple[Any, ...] = (), at: str = ""
) -> Iterator[tuple[str, Any, set[str]]]:
    """Where an annotation ends: the path, the plain type there, and its marks."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from leaves(arguments[0], (*arguments[1:], *metadata), at)
    elif origin in {Union, UnionType}:
        for each in arguments:
            yield from leaves(each, metadata, at)
    elif origin is tuple:
        yield from leaves(arguments[0], (), f"{at}[]")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            yield from leaves(info.annotation, tuple(info.metadata), f"{at}/{name}")
    else:
        yield at, origin or annotation, {mark for mark in metadata if isinstance(mark, str)}


def suspicious(model: type[BaseModel]) -> list[str]:
    """Where a model could hold what may have to be forgotten."""
    return [
        at
        for at, kind, marks in leaves(model)
        if not (issubclass(kind, HARMLESS) or MARKED.get(kind, set()) & marks)
    ]


@pytest.mark.parametrize("kind", catalogue().values(), ids=lambda kind: kind.slug)
def test_no_event_has_a_field_that_could_hold_personal_data(kind):
    assert suspicious(kind) == []


def test_nor_has_what_an_event_holds_beside_its_fields():
    assert suspicious(Evidence) == []
    assert get_args(Content[Decision].model_fields["departures"].annotation) == (Key, TextRef)


def test_a_field_that_could_hold_personal_data_is_found():
    class Careless(BaseModel):
        name: str
        anything: dict[str, str]
        several: tuple[str, ...] = ()
        other: Annotated[str, "address"] | None = None
        key: Key

    assert suspicious(Careless) == ["/name", "/anything", "/several[]", "/other"]
