"""Finding the decision behind a change where nobody noted it: by halving what lies between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projections.noting import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.decision import Recorded
    from projections.changes import Change, Path


def attribute(
    unclear: list[Change],
    steps: Sequence[Recorded[Any]],
    state: Callable[[int], Any],
    corners: Sequence[int] = (),
) -> None:
    """Find the step that brought each change about.

    Before it the place is not as it is in the end; with it, it is. A writer among the steps that
    are left is believed.

    Args:
        unclear: the changes, whose values are JSON; `by` is set.
        steps: the decisions it may be.
        state: the document once so many steps are in, as a JSON value.
        corners: where the past was changed; they are looked at first.
    """
    places = {step.position: index for index, step in enumerate(steps)}

    def search(some: list[Change], low: int, high: int) -> None:
        if not some or high <= low:
            return
        inner = [corner for corner in corners if low < corner < high]
        if not inner:
            rest = []
            for change in some:
                index = places.get(change.by.position, -1) if change.by else -1
                if low <= index < high:
                    change.by = steps[index]
                else:
                    rest.append(change)
            some = rest
        if high - low == 1:
            for change in some:
                change.by = steps[low]
            return
        if not some:
            return
        middle = inner[len(inner) // 2] if inner else (low + high) // 2
        document = state(middle)
        there = [change for change in some if _covers(_at(document, change.path), change.after)]
        known = set(map(id, there))
        search(there, low, middle)
        search([change for change in some if id(change) not in known], middle, high)

    search(unclear, 0, len(steps))


def _at(document: Any, path: Path) -> Any:
    """The value at a place; ABSENT if there is none."""
    for step in path:
        if isinstance(document, list):
            index = int(step)
            document = document[index] if index < len(document) else ABSENT
        elif isinstance(document, dict):
            document = document.get(step, ABSENT)
        else:
            return ABSENT
    return document


def _covers(value: Any, part: Any) -> bool:
    """Whether a value has everything that another one has."""
    if isinstance(part, dict) and isinstance(value, dict):
        return all(_covers(value.get(name, ABSENT), each) for name, each in part.items())
    if isinstance(part, list) and isinstance(value, list):
        return len(part) <= len(value) and all(map(_covers, value, part))
    return bool(value == part)
