"""History as it counts: each decision, with what was later corrected in its place."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from domain.decision import Decision, Recorded
from domain.values import Text


class Correction(Decision):
    """A decision about an earlier decision of the same contract, named by its position."""

    position: Annotated[int, Field(ge=1)]
    reason: Text

    @abstractmethod
    def corrected(self, first: Recorded[Any]) -> Recorded[Any] | None:
        """What stands in the first decision's place; None if nothing does."""


def effective(
    history: Iterable[Recorded[Any]], *, valid_at: date | None = None
) -> Iterator[Recorded[Any]]:
    """The decisions that count, in the order they were recorded.

    A rectified decision appears as corrected and an annulled one not at all, each in the first
    one's place; the corrections themselves stay. The last correction of a decision wins.

    Args:
        history: one contract's decisions as recorded, up to whatever was known.
        valid_at: leave out what had not been decided by the end of that day.
    """
    recorded = list(history)
    corrections = {
        later.decision.position: later.decision
        for later in recorded
        if isinstance(later.decision, Correction)
    }
    for first in recorded:
        correction = corrections.get(first.position)
        standing = first if correction is None else correction.corrected(first)
        if standing is not None and (valid_at is None or standing.act.decided_on <= valid_at):
            yield standing
