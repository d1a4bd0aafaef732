"""Canonical JSON: one byte sequence for one value, so that a digest means something.

RFC 8785 for the values events hold: objects with ASCII keys, strings, integers, booleans and
coordinates. Keys sorted, no spaces, UTF-8 unescaped.
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
    return _ENCODER.encode(value).encode()
