"""What is wrong with a request, and the rules that stand against a decision."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field, JsonValue
from typing_extensions import TypedDict

from api.http.problems import MISSED_TOLD
from api.openapi.shapes.decisions import Recorded
from api.openapi.shapes.values import Bilingual
from domain.kernel.values import Key


class FieldError(TypedDict):
    """What is wrong with one field. `pointer` is a JSON pointer (RFC 6901) into the request."""

    pointer: str
    code: str
    message: str


class Finding(TypedDict):
    """A rule that stands against a decision, with the facts it found."""

    rule: Key
    basis: str
    departable: bool
    message: str
    facts: dict[str, JsonValue]


class Problem(TypedDict):
    """What went wrong (RFC 9457). Some kinds have further members.

    `missed`: the first decisions after the version demanded; the rest is at `next`, by pages.
    """

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: str
    errors: NotRequired[list[FieldError]]
    findings: NotRequired[list[Finding]]
    missed: NotRequired[Annotated[list[Recorded], Field(max_length=MISSED_TOLD)]]
    next: NotRequired[str | None]


class ProblemKind(TypedDict):
    """What a problem's `type` stands for."""

    type: str
    status: Annotated[int, Field(ge=400, le=599)]
    title: Bilingual
