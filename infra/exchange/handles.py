"""Persons in the JSON of a decision's `data`: where they stand, and what to put in their place.

A file names persons by handles of its own, an event by their id in the vault. Which fields hold a
person is read off the decision types.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from infra.recording.parsing import pointer

Swap = Callable[[str, str], str]
"""What to put in the place of a person, from what stands there and its JSON pointer."""

_Swapper = Callable[[Any, str, Swap], Any]


def swap_persons(model: type[BaseModel], data: Any, swap: Swap, *, at: str = "/data") -> Any:
    """The JSON of a model with every person swapped; anything else is passed on as it is.

    Args:
        model: the decision type.
        data: its fields as JSON values, checked or not.
        swap: called for each string where a person belongs.
        at: the JSON pointer of `data`.
    """
    swapper = _of_model(model)
    return data if swapper is None else swapper(data, at, swap)


@cache
def _of_model(model: type[BaseModel]) -> _Swapper | None:
    fields = {
        name: swapper
        for name, info in model.model_fields.items()
        if (swapper := _of(info.annotation, tuple(info.metadata)))
    }
    if not fields:
        return None

    def swapped(value: Any, at: str, swap: Swap) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            key: fields[key](each, at + pointer(key), swap) if key in fields else each
            for key, each in value.items()
        }

    return swapped


def _of(annotation: Any, metadata: tuple[Any, ...] = ()) -> _Swapper | None:
    if "person" in metadata:
        return _person
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of(arguments[0], arguments[1:])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation)
    if origin in {Union, UnionType}:
        return next(filter(None, map(_of, arguments)), None)
    if origin in {tuple, list}:
        return _each(next(filter(None, map(_of, arguments)), None))
    return None


def _person(value: Any, at: str, swap: Swap) -> Any:
    return swap(value, at) if isinstance(value, str) else value


def _each(swapper: _Swapper | None) -> _Swapper | None:
    if swapper is None:
        return None

    def swapped(value: Any, at: str, swap: Swap) -> Any:
        if not isinstance(value, list):
            return value
        return [swapper(each, f"{at}/{index}", swap) for index, each in enumerate(value)]

    return swapped
