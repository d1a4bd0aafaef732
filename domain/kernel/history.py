"""History as it counts: each decision, with what was later corrected in its place."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from domain.kernel.decision import Decision, Recorded
from domain.kernel.life_cycle import Standing
from domain.kernel.values import Text


class AboutHistory(Decision):
    """A decision about what is recorded, not about the contract; it is not itself corrected.

    An end does not seal mistakes in: the end itself may be the mistake.
    """

    standings = frozenset(Standing) - {Standing.NEW}


class Correction(AboutHistory):
    """A decision about an earlier decision of the same contract, named by its position."""

    position: Annotated[int, Field(ge=1)]
    reason: Text

    @abstractmethod
    def corrected(self, standing: Recorded[Any]) -> Recorded[Any] | None:
        """What stands in its place from now on, given what stood there; None if nothing does."""


def standing_at(position: int, history: Iterable[Recorded[Any]]) -> Recorded[Any] | None:
    """The decision at that position as it counts after every correction of it so far.

    None if there is none, or if it was annulled.
    """
    standing: Recorded[Any] | None = None
    for recorded in history:
        if recorded.position == position:
            standing = recorded
        elif isinstance(recorded.decision, Correction) and recorded.decision.position == position:
            standing = standing and recorded.decision.corrected(standing)
    return standing


def effective(
    history: Iterable[Recorded[Any]], *, valid_at: date | None = None
) -> Iterator[Recorded[Any]]:
    """The decisions that count, in the order they were recorded.

    A rectified decision appears as corrected and an annulled one not at all, each in the first
    one's place; the corrections themselves stay. Several corrections of one decision add up.

    Args:
        history: one contract's decisions as recorded, up to whatever was known.
        valid_at: leave out what had not been decided by the end of that day.
    """
    recorded = list(history)
    corrections: dict[int, list[Correction]] = defaultdict(list)
    for later in recorded:
        if isinstance(later.decision, Correction):
            corrections[later.decision.position].append(later.decision)
    for first in recorded:
        standing: Recorded[Any] | None = first
        if not isinstance(first.decision, AboutHistory):
            for correction in corrections.get(first.position, ()):
                standing = standing and correction.corrected(standing)
        if standing is not None and (valid_at is None or standing.act.decided_on <= valid_at):
            yield standing
