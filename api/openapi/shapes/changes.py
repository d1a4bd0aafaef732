"""What changed in a view between two dates, and which decision did it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, NotRequired

from pydantic import JsonValue
from typing_extensions import TypedDict

from api.openapi.shapes.values import Bilingual, Position, Version
from domain.kernel.act import Body
from domain.kernel.values import Key


class Decided(TypedDict):
    """The decision behind a change."""

    position: Position
    type: Key
    name: Bilingual
    body: Body
    decided_on: date
    recorded_at: datetime


class Change(TypedDict):
    """One place of a view. Without `before` nothing was there, without `after` nothing is.

    `decision` is null where only time has passed.
    """

    pointer: str
    before: NotRequired[JsonValue]
    after: NotRequired[JsonValue]
    decision: Decided | None


Changes = TypedDict(
    "Changes",
    {
        "contract": Key,
        "version": Version,
        "view": Key,
        "axis": Literal["known", "valid"],
        "from": datetime | date | None,
        "to": datetime | date,
        "changes": list[Change],
    },
)
"""What changed in a view between two dates; in this order, the changes lead from one to the other.
"""
