"""A contract's history under another version of the framework."""

from __future__ import annotations

from datetime import date

from typing_extensions import TypedDict

from api.openapi.shapes.problems import Finding
from api.openapi.shapes.values import Position, Version
from domain.kernel.act import Body
from domain.kernel.values import Key
from projections.conformity.requirement import State


class OtherwiseJudged(TypedDict):
    """A decision that another version of the framework would have judged otherwise."""

    position: Position
    type: Key
    body: Body
    decided_on: date
    refused: list[Finding]
    unjustified: list[Finding]
    no_longer: list[Finding]


class RequirementAnswer(TypedDict):
    """How a requirement is answered."""

    state: State
    due: date | None
    positions: list[Position]


class OtherwiseAnswered(TypedDict):
    """A requirement answered otherwise; null where that version does not ask for it."""

    id: Key
    basis: str
    fr: str
    en: str
    own: RequirementAnswer | None
    other: RequirementAnswer | None


class Counterfactual(TypedDict):
    """A contract's history under another version of the framework: what differs."""

    contract: Key
    version: Version
    own_framework: Key
    framework: Key
    on: date
    decisions: list[OtherwiseJudged]
    requirements: list[OtherwiseAnswered]
