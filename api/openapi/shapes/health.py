"""Whether the service answers, and what it needs for it."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class Live(TypedDict):
    """The process answers."""

    live: Literal[True]


class Ready(TypedDict):
    """Each part that answering needs, and how it is."""

    ready: Literal[True]
    checks: dict[str, str]
