"""Finding the decision behind a change where nobody noted it: by halving what lies between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
