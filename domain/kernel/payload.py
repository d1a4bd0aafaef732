"""A decision as it is written down: the payload of its event, and back.

The payload is canonical JSON, so its digest is the same wherever it is computed:

    {"data": {…the fields…}, "evidence": […], "departures": {"promotion-too-short": {…}}}

Fields that are None, and an empty `evidence` or `departures`, are left out.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.kernel.act import Act, Evidence
from domain.kernel.canonical import canonical
from domain.kernel.decision import Decision, UnknownDecisionType, decision_type
from domain.kernel.values import STORED, Key, TextRef

if TYPE_CHECKING:
    from domain.kernel.values import ContractId

DecisionT = TypeVar("DecisionT", bound=Decision)

_HISTORY = {STORED: True}
"""What was recorded is read as it is, even where the same would not be accepted today."""


class NewerSchema(ValueError):
    """A stored event was written by a newer version of the program than this one."""


class UnreadableEvent(Exception):
    """A stored event that this program cannot read: a newer one wrote it, or it was altered.

    position, contract, version, type: which event, as stored.
    reason: why, in a few words; events hold no name and no text, so anybody may read it.
    """

    def __init__(
        self, position: int, contract: ContractId, version: int, slug: str, error: Exception
    ) -> None:
        self.position, self.contract, self.version, self.type = position, contract, version, slug
        self.reason = _reason(error)
        super().__init__(
            f"Event {position} ({contract}, version {version}, {slug}) cannot be read: "
            f"{self.reason}."
        )


def _reason(error: Exception) -> str:
    match error:
        case UnknownDecisionType():
            return "no decision type of that name is known"
        case ValidationError():
            first, *more = error.errors(include_url=False, include_context=False)
            where = "/".join(str(part) for part in first["loc"]) or "its payload"
            others = f", and {len(more)} more" if more else ""
            return f"{where}: {first['msg']}{others}"
        case NewerSchema():
            return str(error)
        case KeyError():
            return f"{error} is not known"
        case _:
            return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


class Content(BaseModel, Generic[DecisionT]):
    """A payload, read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    data: DecisionT
    evidence: tuple[Evidence, ...] = ()
    departures: dict[Key, TextRef] = Field(default_factory=dict)  # a plain {} would be copied deep


def content_of(decision: Decision, act: Act) -> dict[str, Any]:
    """The payload as a JSON value."""
    content: dict[str, Any] = {"data": decision.model_dump(mode="json", exclude_none=True)}
    if act.evidence:
        content["evidence"] = [
            piece.model_dump(mode="json", exclude_defaults=True) for piece in act.evidence
        ]
    if act.departures:
        content["departures"] = {
            rule: reason.model_dump(mode="json") for rule, reason in act.departures.items()
        }
    return content


def write(decision: Decision, act: Act) -> bytes:
    """The payload in canonical bytes."""
    return canonical(content_of(decision, act))


@cache
def _content(kind: type[DecisionT]) -> type[Content[DecisionT]]:
    """The payload of a type. Pydantic itself forgets it, and would build it at every event."""
    return Content[kind]  # type: ignore[valid-type]


def read(slug: str, schema: int, payload: str | bytes) -> Content[Any]:
    """Read a stored payload, whatever earlier schema version it was written under.

    Raises:
        UnknownDecisionType: the name is not in the registry; nothing is looked for elsewhere.
        NewerSchema: `schema` is above what this program knows: reading on would lose something.
    """
    kind = decision_type(slug)
    if schema == kind.schema_version:
        return _content(kind).model_validate_json(payload, context=_HISTORY)
    if schema > kind.schema_version:
        raise NewerSchema(
            f"{slug} was stored under schema {schema}, known is {kind.schema_version}"
        )
    content = json.loads(payload)
    content["data"] = kind.upcast(content["data"], schema)
    return _content(kind).model_validate_json(canonical(content), context=_HISTORY)
