"""Finding the decision behind a change where nobody noted it: by halving what lies between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from projections.change import value_at
from projections.noting import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domain.decision import Recorded
    from projections.change import Change

Each = TypeVar("Each")
Look = tuple[Callable[[Each], bool], int, int]
"""Whether a thing is as it is in the end; from which count of decisions to which that is so."""


def halve(
    some: Iterable[Each],
    low: int,
    high: int,
    look: Callable[[int], Look[Each]],
    *,
    hints: Sequence[int] = (),
    patience: int = 0,
) -> Iterator[tuple[Each, int]]:
    """After how many decisions each of some things came to be as it is in the end.

    After one less it is not. Where it was so more than once, that is the last time, as far as
    patience goes and `hints` tell.

    Args:
        some: what is looked for.
        low: after so many decisions none of them is so yet.
        high: after so many, all of them are.
        look: at the state after so many decisions.
        hints: where to look first, in order.
        patience: how often to look just before what is known to be so, rather than half-way.
    """
    waiting = [(list(some), low, high, patience)]
    while waiting:
        sought, low, high, patience = waiting.pop()
        if high - low <= 1 or not sought:
            yield from ((each, high) for each in sought)
            continue
        inner = [hint for hint in hints if low < hint < high] or range(low + 1, high)
        is_so, since, until = look(inner[-1 if patience > 0 else len(inner) // 2])
        so: list[Each] = []
        otherwise: list[Each] = []
        for each in sought:
            (so if is_so(each) else otherwise).append(each)
        waiting.append((so, low, max(since, low + 1), patience - 1))
        waiting.append((otherwise, min(until, high - 1), high, 0))


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
        there = [
            change for change in some if _covers(value_at(document, change.path), change.after)
        ]
        known = set(map(id, there))
        search(there, low, middle)
        search([change for change in some if id(change) not in known], middle, high)

    search(unclear, 0, len(steps))


def _covers(value: Any, part: Any) -> bool:
    """Whether a value has everything that another one has."""
    if isinstance(part, dict) and isinstance(value, dict):
        return all(_covers(value.get(name, ABSENT), each) for name, each in part.items())
    if isinstance(part, list) and isinstance(value, list):
        return len(part) <= len(value) and all(map(_covers, value, part))
    return bool(value == part)
