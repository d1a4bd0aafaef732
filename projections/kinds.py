"""What the dataclasses of a document are made of, as far as tracing asks.

A dataclass of which every field is given when it is made, and none is a container, is a value:
finished when it is made, and replaced rather than changed.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel


@cache
def names_of(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass."""
    return tuple(field.name for field in fields(kind))


@cache
def is_value(kind: Any) -> bool:
    """Whether a dataclass is finished when it is made."""
    return not within(kind) and all(
        field.default is MISSING and field.default_factory is MISSING for field in fields(kind)
    )


@cache
def within(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass that may hold what can change."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(name for name in names_of(kind) if _may_change(hints[name]))


@cache
def changing_within(kind: Any) -> frozenset[str]:
    """The fields of a dataclass that hold dictionaries or lists of what can change."""
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(
        name for name in within(kind) if any(map(_may_change, get_args(hints[name]) or (Any,)))
    )


@cache
def _may_change(hint: Any) -> bool:
    """Whether values of that type may be containers that can change."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _may_change(get_args(hint)[0])
    if origin is tuple:
        return False
    if origin is not None and not (isinstance(origin, type) and issubclass(origin, dict | list)):
        return any(map(_may_change, get_args(hint)))
    if hint is NoneType or (isinstance(hint, type) and issubclass(hint, BaseModel)):
        return False
    if is_dataclass(hint):
        kind: Any = hint
        return not is_value(kind)
    return (
        origin is not None
        or hint is Any
        or (isinstance(hint, type) and issubclass(hint, dict | list))
    )
