"""The persons that a decision names: where, and whether the vault knows them.

Where they can stand is found once for each type, from its annotations: `PersonId` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from domain.kernel.history import Correction, standing_at
from infra import vault
from infra.recording.parsing import pointer
from infra.recording.refusals import FieldError

if TYPE_CHECKING:
    from domain.kernel.contract import Contract
    from domain.kernel.decision import Decision
    from domain.kernel.values import PersonId

Found = Iterator[tuple[str, str]]
"""JSON pointers within `data`, each with the id of a person that stands there."""

_Finder = Callable[[Any, str], Found]


def unknown_persons(
    decision: Decision, contract: Contract, known: Collection[PersonId] = ()
) -> list[FieldError]:
    """A fault for each person named that the vault has never known, nor is `known` otherwise."""
    named = [(at, person) for at, person in persons_in(decision, contract) if person not in known]
    if not named:
        return []
    known = vault.known_persons({person for _, person in named})
    return [
        FieldError(at, "unknown_person", "No person of this id is known.", {"person": person})
        for at, person in named
        if person not in known
    ]


def persons_in(decision: Decision, contract: Contract) -> Found:
    """Where a decision names persons."""
    if isinstance(decision, Correction):
        yield from _persons_corrected(decision, contract)
    finder = _of_model(type(decision))
    if finder is not None:
        yield from finder(decision, "/data")


def _persons_corrected(correction: Correction, contract: Contract) -> Found:
    """A rectification holds fields of another type."""
    standing = standing_at(correction.position, contract.history)
    corrected = standing and correction.corrected(standing)
    if corrected:
        decision: Decision = corrected.decision
        finder = _of_model(type(decision))
        if finder is not None:
            yield from finder(decision, "/data/fields")


@cache
def _of_model(model: type[BaseModel]) -> _Finder | None:
    finders: dict[str, _Finder] = {}
    for name, info in model.model_fields.items():
        finder = _finder(info.annotation, tuple(info.metadata))
        if finder is not None:
            finders[name] = finder
    if not finders:
        return None

    def find(value: Any, at: str) -> Found:
        if isinstance(value, model):
            for name, finder in finders.items():
                yield from finder(getattr(value, name), f"{at}/{name}")

    return find


def _finder(annotation: Any, metadata: tuple[Any, ...] = ()) -> _Finder | None:
    """How to find persons in a value of this annotation; None if there can be none."""
    if "person" in metadata:
        return _person
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _finder(arguments[0], arguments[1:])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation)
    within = [finder for each in arguments if (finder := _finder(each))]
    if not within:
        return None
    if origin is dict:
        return _entries(*(_finder(argument) for argument in arguments))
    return _any_of(within) if origin in {Union, UnionType} else _each(_any_of(within))


def _person(value: Any, at: str) -> Found:
    if isinstance(value, str):
        yield at, value


def _any_of(finders: list[_Finder]) -> _Finder:
    def find(value: Any, at: str) -> Found:
        for finder in finders:
            yield from finder(value, at)

    return find


def _each(finder: _Finder) -> _Finder:
    def find(value: Any, at: str) -> Found:
        for index, each in enumerate(value or ()):
            yield from finder(each, f"{at}/{index}")

    return find


def _entries(of_key: _Finder | None, of_value: _Finder | None) -> _Finder:
    def find(value: Any, at: str) -> Found:
        for key, each in (value or {}).items():
            here = at + pointer(key)
            if of_key:
                yield from of_key(key, here)
            if of_value:
                yield from of_value(each, here)

    return find
