"""A day of funding events in a few bytes."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.openapi.shapes.values import Digest


class FundingDay(TypedDict):
    """The funding events recorded on a day: how many, and the digest over their lines."""

    date: date
    events: Annotated[int, Field(ge=0)]
    digest: Digest
    complete: Annotated[
        bool, Field(description="Whether the day is over: only then the digest is the day's.")
    ]
    lines: NotRequired[Annotated[list[str], Field(description="Only if asked for.")]]
