"""A decision type, with its rules and the bodies that are competent."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue
from typing_extensions import TypedDict

from api.openapi.shapes.values import Bilingual
from api.resources.forms import Field as FormField
from domain.kernel.act import Body
from domain.kernel.life_cycle import Standing
from domain.kernel.values import Key


class Rule(TypedDict):
    """A rule; its sentences name in braces the facts that a finding states."""

    rule: Key
    basis: str
    departable: bool
    sentence: Bilingual
    about: str


class CompetentBody(TypedDict):
    """A body that takes such decisions."""

    body: Body
    name: Bilingual


class DecisionType(TypedDict):
    """A decision type: who takes it, on what basis, under which rules, with which fields."""

    type: Key
    name: Bilingual
    about: str
    bodies: list[CompetentBody]
    basis: str
    standings: list[Standing]
    schema_version: Annotated[int, Field(ge=1)]
    rules: list[Rule]
    schema: dict[str, JsonValue]
    form: list[FormField]
