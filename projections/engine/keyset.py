"""Pages of a long list: each names the place it ends at, and the next one begins after it.

Counting and skipping cost more the further one reads; a place in an index does not.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

RowT = TypeVar("RowT")

LIMIT = 1000
"""Rows on a page at most."""


class BadCursor(ValueError):
    """A cursor was not given out by the list it was sent to."""


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """Some rows, and the cursor of the next page; None after the last one."""

    results: list[RowT]
    next: str | None


def place_of(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The place a cursor names; dates are in ISO form.

    Args:
        cursor: as `Page.next` gave it, or None for the first page.
        kinds: the types of the place's columns.

    Raises:
        BadCursor: it is not a place of these types.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise BadCursor(cursor) from error
    if not isinstance(place, list) or [type(each) for each in place] != list(kinds):
        raise BadCursor(cursor)
    return tuple(place)


def page(rows: Sequence[RowT], limit: int, place: Callable[[RowT], Sequence[Any]]) -> Page[RowT]:
    """A page of `limit` rows out of one more than that, if there are more.

    Args:
        rows: at most `limit + 1` rows, in order.
        limit: rows on a page.
        place: the columns of a row that say where it stands in the order.
    """
    if len(rows) <= limit:
        return Page(list(rows), None)
    written = base64.urlsafe_b64encode(orjson.dumps(list(place(rows[limit - 1]))))
    return Page(list(rows[:limit]), written.decode().rstrip("="))
