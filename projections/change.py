"""One change of a document or an answer: where, from what to what, and by which decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from projections.noting import ABSENT
from projections.view import written

if TYPE_CHECKING:
    from domain.decision import Recorded

Path = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Change:
    """One place of a document, before and after; `by` is None where only time has passed.

    The values are parts of the document, which `projections.view.written` writes as JSON.
    """

    path: Path
    before: Any
    after: Any
    by: Recorded[Any] | None

    @property
    def pointer(self) -> str:
        """The place, as a JSON pointer (RFC 6901) into the document."""
        path = "/".join(self.path)
        if "~" in path or path.count("/") >= len(self.path):
            path = "/".join(step.replace("~", "~0").replace("/", "~1") for step in self.path)
        return f"/{path}" if self.path else ""


def in_order(found: list[Change]) -> list[Change]:
    """In history order; what time alone has changed comes first."""
    return sorted(found, key=_position)


def _position(change: Change) -> int:
    return change.by.position if change.by else 0


def plain(part: Any) -> Any:
    """A part of a document as a JSON value."""
    return ABSENT if part is ABSENT else orjson.loads(written(part))


def value_at(part: Any, path: Path) -> Any:
    """The value at a place in a part of a document, or of JSON; ABSENT if there is none."""
    for step in path:
        if isinstance(part, list):
            index = int(step)
            part = part[index] if index < len(part) else ABSENT
        elif isinstance(part, dict):
            part = {str(key): value for key, value in part.items()}.get(step, ABSENT)
        else:
            part = getattr(part, step, ABSENT)
    return part
