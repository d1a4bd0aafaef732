"""What somebody sent, read: a decision, the circumstances of it, and everything wrong with them.

Faults are named by JSON pointers (RFC 6901) into the request, all of them at once.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from domain.act import Body, Evidence
from domain.history import Correction
from domain.values import KEEPER, Key, Text
from infra.refusals import FieldError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.contract import Contract
    from domain.decision import Decision
    from infra.vault import Keeper

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _date(value: Any) -> dt.date:
    if type(value) is dt.date:
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("date", 'Must be a day such as "2014-04-16".')


class Circumstances(BaseModel):
    """What an act has besides the decision: when, on what evidence, with which justifications."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decided_on: Annotated[dt.date, BeforeValidator(_date)]
    evidence: Annotated[tuple[Evidence, ...], MaxLen(100)] = ()
    departures: Annotated[dict[Key, Text], MaxLen(50)] = {}


def read_circumstances(
    sent: Mapping[str, Any], keeper: Keeper
) -> Circumstances | list[FieldError]:
    """Read `decided_on`, `evidence` and `departures`, or say what is wrong with them.

    Justifications go to the keeper.
    """
    try:
        return Circumstances.model_validate(sent, context={KEEPER: keeper})
    except ValidationError as error:
        return field_errors(error, sent, "")


def read_decision(
    kind: type[Decision], data: bytes, keeper: Keeper, contract: Contract
) -> Decision | list[FieldError]:
    """Read a decision's `data`, or say what is wrong with it. Free texts go to the keeper."""
    try:
        return kind.parse(data, keeper=keeper, contract=contract)
    except ValidationError as error:
        sent = _loaded(data)
        if error.title != kind.__name__ and isinstance(sent, dict):
            # A rectification reads its `fields` as those of the decision it corrects.
            return field_errors(error, sent.get("fields"), "/data/fields")
        return field_errors(error, sent, "/data")
    except (RecursionError, ValueError):
        # A type that reads its fields itself met something that is no JSON, or goes too deep.
        return [FieldError("/data", "json_invalid", "Must be a JSON object that can be read.")]


def read_body(
    kind: type[Decision], sent: Any, own: Body | None
) -> Body | FieldError:
    """The body that decided: the one named, the only competent one, or the account's own."""
    if sent is None:
        if len(kind.taken_by) == 1:
            return next(iter(kind.taken_by))
        if own in kind.taken_by:
            return own
        competent = sorted(body.value for body in kind.taken_by)
        return FieldError(
            "/body",
            "missing",
            f"Several bodies may take this decision; name one of: {', '.join(competent)}.",
            {"competent": competent},
        )
    try:
        return Body(sent)
    except ValueError:
        return FieldError("/body", "body", "Must be the name of a body.")


# --- Pointers -----------------------------------------------------------------------------------


def pointer(*steps: str | int) -> str:
    """A JSON pointer from its steps."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def field_errors(error: ValidationError, sent: Any, root: str) -> list[FieldError]:
    """Pydantic's faults; `root` is the pointer to what was sent."""
    return [
        FieldError(
            root + pointer(*_steps(each["loc"], sent, each["type"])),
            each["type"],
            each["msg"],
            {key: value for key, value in each.get("ctx", {}).items() if key != "error"},
        )
        for each in error.errors(include_url=False, include_input=False)
    ]


def _steps(location: Sequence[str | int], sent: Any, code: str) -> Iterator[str | int]:
    """The steps of pydantic's location that exist in what was sent, or are missing in it.

    Pydantic also names the members of a union that it tried: those are not in the document.
    """
    value = sent
    for index, step in enumerate(location):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list | tuple) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif code != "missing" or index < len(location) - 1:
            continue
        yield step


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


# --- Persons ------------------------------------------------------------------------------------

Found = Iterator[tuple[str, str]]
"""JSON pointers within `data`, each with the id of a person that stands there."""

_Finder = Callable[[Any, str], Found]


def persons_in(decision: Decision, contract: Contract) -> Found:
    """Where a decision names persons."""
    if isinstance(decision, Correction):
        yield from _persons_corrected(decision, contract)
    finder = _finder_of_model(type(decision))
    if finder is not None:
        yield from finder(decision, "/data")


def _persons_corrected(correction: Correction, contract: Contract) -> Found:
    """A rectification holds fields of another type."""
    first = next((r for r in contract.history if r.position == correction.position), None)
    corrected = first and correction.corrected(first)
    if corrected:
        finder = _finder_of_model(type(corrected.decision))
        if finder is not None:
            yield from finder(corrected.decision, "/data/fields")


@cache
def _finder_of_model(model: type[BaseModel]) -> _Finder | None:
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
        return _finder_of_model(annotation)
    if origin in {Union, UnionType}:
        return _any_of([finder for each in arguments if (finder := _finder(each))])
    if origin in {tuple, list, set, frozenset}:
        each = _any_of([finder for item in arguments if (finder := _finder(item))])
        return each and _each(each)
    if origin is dict:
        key, value = (_finder(argument) for argument in arguments)
        return _entries(key, value) if key or value else None
    return None


def _person(value: Any, at: str) -> Found:
    if isinstance(value, str):
        yield at, value


def _any_of(finders: list[_Finder]) -> _Finder | None:
    if not finders:
        return None

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
