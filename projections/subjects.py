"""What a decision names: read off the types of its fields, so that a new type is found as well."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

if TYPE_CHECKING:
    from domain.decision import Decision

NAMED = {
    "action": "action",
    "need": "need",
    "plenary": "plenary",
    "working group": "group",
    "roadmap version": "roadmap",
    "milestone": "milestone",
    "person": "person",
    "service": "service",
    "theme": "theme",
}
"""The kinds of identifier in `domain.values` that make a subject, and what it begins with."""

Reader = Callable[[Any], Iterable[str]]


def subjects_of(decision: Decision) -> tuple[str, ...]:
    """The things a decision names, each once: `action:a1`, `person:<uuid>`, `group:g1`."""
    found: list[str] = []
    for name, read in _readers(type(decision)):
        value = getattr(decision, name)
        if value is not None:
            found += read(value)
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


@cache
def _readers(kind: type[BaseModel]) -> tuple[tuple[str, Reader], ...]:
    """How to read the fields that name something; the others are left out."""
    hints = get_type_hints(kind, include_extras=True)
    readers = ((name, _reader(hints[name])) for name in kind.model_fields)
    return tuple((name, read) for name, read in readers if read is not None)


def _reader(hint: Any) -> Reader | None:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *metadata = get_args(hint)
        named = next((each for each in metadata if each in NAMED), None)
        return _reader(inner) if named is None else _one(NAMED[named])
    if origin in {Union, types.UnionType}:
        found = [read for arg in get_args(hint) if (read := _reader(arg)) is not None]
        return found[0] if found else None
    if origin in {tuple, list}:
        inner_read = _reader(get_args(hint)[0])
        return None if inner_read is None else _many(inner_read)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _nested(_readers(hint))
    return None


def _one(named: str) -> Reader:
    prefix = f"{named}:"
    return lambda value: (f"{prefix}{value}",)


def _many(read: Reader) -> Reader:
    return lambda values: (subject for value in values for subject in read(value))


def _nested(fields: tuple[tuple[str, Reader], ...]) -> Reader | None:
    if not fields:
        return None
    return lambda model: (
        subject
        for name, read in fields
        if (value := getattr(model, name)) is not None
        for subject in read(value)
    )
