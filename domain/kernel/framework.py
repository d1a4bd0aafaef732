"""The Cadre de référence as data: every number it gives, with the paragraph that gives it.

A contract is pinned to the version it began under. A city that amends its framework adds a
version here; nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, date
from typing import Literal

from domain.kernel.values import Bilingual


@dataclass(frozen=True, slots=True)
class Months:
    """A span of calendar months, with the paragraph it comes from."""

    count: int
    basis: str

    def after(self, day: date) -> date:
        """The same day of the month, `count` months on; the month's last day where it has none.

        The last day there is, if that is beyond the calendar.
        """
        years, month = divmod(day.month - 1 + self.count, 12)
        year, month = day.year + years, month + 1
        if year > MAXYEAR:
            return date.max
        for last in (day.day, 30, 29, 28):
            try:
                return date(year, month, min(day.day, last))
            except ValueError:
                continue
        raise AssertionError("every month has 28 days")  # pragma: no cover

    def passed(self, since: date, day: date) -> bool:
        """Whether that many months had passed before that day."""
        return (day - since).days > 28 * self.count and day > self.after(since)


@dataclass(frozen=True, slots=True)
class Framework:
    """One version of the Cadre. A span that it does not ask for is None.

    `coordinator_counts_for`: the side of the commission on which the coordinator is counted when
    parity is judged. §3.2 names the coordinator beside both sides, so the Cadre of 2014 counts
    the coordinator on neither.
    """

    version: str
    adopted_on: date
    title: Bilingual
    promotion_at_least: Months | None
    diagnosis_at_least: Months | None
    diagnosis_at_most: Months | None
    plenary_every: Months | None
    lasts: Months | None
    departments: int
    parity: bool
    coordinator_counts_for: Literal["neighbourhood", "service"] | None

    def __hash__(self) -> int:
        return hash(self.version)


CADRE_2014 = Framework(
    version="cadre-2014",
    adopted_on=date(2014, 2, 12),
    title=Bilingual("Cadre de référence du 12 février 2014", "Framework of 12 February 2014"),
    promotion_at_least=Months(3, "4.1"),
    diagnosis_at_least=Months(7, "4.2"),
    diagnosis_at_most=Months(10, "4.2"),
    plenary_every=Months(12, "3.1"),
    lasts=Months(48, "4.5"),
    departments=5,
    parity=True,
    coordinator_counts_for=None,
)

# The pilots of 2009 began before the Cadre: the instances existed, the durations did not.
PILOTS_2009 = Framework(
    version="pilots-2009",
    adopted_on=date(2009, 1, 1),
    title=Bilingual("Contrats pilotes, avant le Cadre", "Pilot contracts, before the framework"),
    promotion_at_least=None,
    diagnosis_at_least=None,
    diagnosis_at_most=None,
    plenary_every=None,
    lasts=None,
    departments=5,
    parity=False,
    coordinator_counts_for=None,
)

FRAMEWORKS: dict[str, Framework] = {f.version: f for f in (PILOTS_2009, CADRE_2014)}
