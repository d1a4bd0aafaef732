"""A decision, as it is recorded: in an answer, in a contract's history, in the feed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, NotRequired

from pydantic import Field, JsonValue
from typing_extensions import TypedDict

from api.openapi.shapes.values import Bilingual, Position, Version
from domain.kernel.act import Body, Evidence
from domain.kernel.values import Key, TextRef


class Recorded(TypedDict):
    """A decision in its place in history; free texts as the reader may read them."""

    position: Position
    contract: Key
    version: Version
    type: Key
    body: Body
    basis: str
    decided_on: date
    recorded_at: datetime
    recorded_by: str
    data: dict[str, JsonValue]
    evidence: list[Evidence]
    departures: dict[str, str]


class HistoryEntry(Recorded):
    """A decision of a contract's history; `corrected_by` is the position of its last correction."""

    name: Bilingual
    corrected_by: Position | None


class Event(TypedDict):
    """A decision as it is stored, for ever. Free texts are references: the vault holds them."""

    position: Position
    contract: Key
    version: Version
    type: Key
    schema: Annotated[int, Field(ge=1)]
    body: Body
    decided_on: date
    recorded_at: datetime
    recorded_by: str
    data: dict[str, JsonValue]
    evidence: NotRequired[list[Evidence]]
    departures: NotRequired[dict[str, TextRef]]
