"""Canonical JSON: one byte sequence for one value, so that a digest means something.

RFC 8785 for the values events hold: objects with ASCII keys, strings, integers, booleans and
coordinates. Keys sorted, no spaces, UTF-8 unescaped; a whole number is written without a point.
"""

from __future__ import annotations

import json
from typing import Any

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value.

    Raises:
        ValueError: a number that is not finite.
        UnicodeEncodeError: a lone surrogate.
    """
    written = _ENCODER.encode(value)
    if ".0" in written:  # perhaps a float that is a whole number; perhaps only an amount
        written = _ENCODER.encode(_whole(value))
    return written.encode()


def _whole(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _whole(each) for key, each in value.items()}
        case list():
            return [_whole(each) for each in value]
        case _:
            return value
