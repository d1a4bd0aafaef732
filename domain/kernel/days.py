"""Days: how they are written, how far the calendar reaches, and counting on without leaving it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2200, 12, 31)
"""What is recorded lies between these two, so that any delay counted from it is a day as well."""

_FIRST_INSTANT = datetime.combine(FIRST_DAY, time.min, UTC)
_LAST_INSTANT = datetime.combine(LAST_DAY, time.max, UTC)

_is_written = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch


def read_day(value: Any) -> date:
    """A `date`, or a day written as `2014-04-16` and in no other way.

    Pydantic's own `date` also takes Unix time in a string, even in strict mode.

    Raises:
        PydanticCustomError: anything else, an instant among it.
    """
    if type(value) is date:
        return value
    if isinstance(value, str) and _is_written(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("date", 'Must be a day such as "2014-04-16".')


Day = Annotated[
    date,
    BeforeValidator(read_day),
    WithJsonSchema({"type": "string", "format": "date"}),
    "day",
]
"""A day of the calendar. That it lies within the bounds is a rule, `outside-the-calendar`: what
was recorded before there were bounds is read as it is."""


def days_of(model: BaseModel) -> Iterator[tuple[str, date]]:
    """The days that the fields of a model hold, by name; a model within another holds none."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, date):
            yield name, value


def instant_within(instant: datetime) -> datetime:
    """The instant in UTC, or the end of the calendar that it lies beyond.

    No time zone leads from there out of what can be reckoned with.

    Raises:
        OverflowError: UTC itself cannot say it.
    """
    return min(max(instant.astimezone(UTC), _FIRST_INSTANT), _LAST_INSTANT)


def days_after(day: date, count: int) -> date:
    """So many days on; the last day there is, if that is beyond it."""
    return day + timedelta(days=min(count, (date.max - day).days))
