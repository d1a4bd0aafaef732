"""What somebody sent, read: a decision, the circumstances of it, and everything wrong with them.

Faults are named by JSON pointers (RFC 6901) into the request, all of them at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import MaxLen
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.kernel.act import Body, Evidence
from domain.kernel.days import Day
from domain.kernel.values import KEEPER, STORED, Key, Text
from infra.recording.refusals import FieldError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.kernel.contract import Contract
    from domain.kernel.decision import Decision
    from infra.vault import Keeper


class Circumstances(BaseModel):
    """What an act has besides the decision: when, on what evidence, with which justifications."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decided_on: Day
    evidence: Annotated[tuple[Evidence, ...], MaxLen(100)] = ()
    departures: Annotated[dict[Key, Text], MaxLen(50)] = Field(default_factory=dict)


def read_circumstances(
    sent: Mapping[str, Any], keeper: Keeper, *, as_recorded: bool = False
) -> Circumstances | list[FieldError]:
    """Read `decided_on`, `evidence` and `departures`, or say what is wrong with them.

    Justifications go to the keeper. `as_recorded` is that of `Decision.parse`.
    """
    context: dict[str, Any] = {KEEPER: keeper} | ({STORED: True} if as_recorded else {})
    try:
        return Circumstances.model_validate(sent, context=context)
    except ValidationError as error:
        return field_errors(error, sent, "")


def read_decision(
    kind: type[Decision],
    data: bytes,
    keeper: Keeper,
    contract: Contract,
    *,
    as_recorded: bool = False,
) -> Decision | list[FieldError]:
    """Read a decision's `data`, or say what is wrong with it. Free texts go to the keeper."""
    try:
        return kind.parse(data, keeper=keeper, contract=contract, as_recorded=as_recorded)
    except ValidationError as error:
        sent = _loaded(data)
        if error.title != kind.__name__ and isinstance(sent, dict):
            # A rectification reads its `fields` as those of the decision it corrects.
            return field_errors(error, sent.get("fields"), "/data/fields")
        return field_errors(error, sent, "/data")
    except (RecursionError, ValueError):
        # A type that reads its fields itself met something that is no JSON, or goes too deep.
        return [FieldError("/data", "json_invalid", "Must be a JSON object that can be read.")]


def read_body(kind: type[Decision], sent: Any, own: Body | None) -> Body | FieldError:
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
    body = _BODIES.get(sent) if isinstance(sent, str) else None
    return body or FieldError("/body", "body", "Must be the name of a body.")


_BODIES: dict[str, Body] = {body.value: body for body in Body}


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
        there, within = _look(value, step)
        if there:
            value = within
        if there or (code == "missing" and index == len(location) - 1):
            yield step


def _look(value: Any, step: str | int) -> tuple[bool, Any]:
    """Whether a step leads anywhere, and where."""
    if isinstance(value, dict):
        return step in value, value.get(step)
    if isinstance(value, list | tuple) and isinstance(step, int) and step < len(value):
        return True, value[step]
    return False, None


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
