"""The coordination commission as it sits: its seats, and whether they are on equal terms (§3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from domain.commission import CommissionConstituted, NoParity, SeatSide
from domain.contract import Contract, Side
from domain.framework import CADRE_2014, FRAMEWORKS
from domain.values import PersonId
from projections.facts import Fact, Text, fact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.decision import Recorded


@cache
def _law(framework: str) -> Contract:
    """A contract that nothing has happened to, to ask how that version counts seats."""
    return Contract("none", framework=FRAMEWORKS.get(framework, CADRE_2014))


@dataclass(slots=True)
class Commission:
    """Who sits, how many count for each side, and whether the commission may decide now.

    `accepted_difference`: seats by which the sides differed when it was constituted, for the
    reason in `justification`. `lost`: the decision since which it is inquorate.
    """

    seats: dict[PersonId, SeatSide] = field(default_factory=dict)
    constituted: Fact | None = None
    neighbourhood: int = 0
    services: int = 0
    accepted_difference: int = 0
    justification: Text | None = None
    quorate: bool = False
    lost: Fact | None = None

    def constitute(self, framework: str, recorded: Recorded[CommissionConstituted]) -> None:
        """Take the seats of this decision; they replace the ones before."""
        self.seats = {seat.person: seat.side for seat in recorded.decision.seats}
        self.constituted = fact(recorded)
        self.justification = recorded.act.departures.get(NoParity.id)
        self._count(framework)
        self.accepted_difference = abs(self.neighbourhood - self.services)
        self.quorate = self._is_quorate()
        self.lost = None if self.quorate else self.constituted

    def leave(self, framework: str, persons: Iterable[PersonId], recorded: Recorded[Any]) -> None:
        """Let the seats of these persons fall vacant."""
        vacated = [self.seats.pop(person) for person in persons if person in self.seats]
        if not vacated:
            return
        self._count(framework)
        was, self.quorate = self.quorate, self._is_quorate()
        if was and not self.quorate:
            self.lost = fact(recorded)

    def _count(self, framework: str) -> None:
        seats: dict[PersonId, Side] = {
            person: "service" if side is SeatSide.SERVICE else "neighbourhood"
            for person, side in self.seats.items()
        }
        self.neighbourhood, self.services = _law(framework).sides(seats)

    def _is_quorate(self) -> bool:
        difference = abs(self.neighbourhood - self.services)
        both = bool(self.neighbourhood and self.services)
        return self.constituted is not None and both and difference <= self.accepted_difference
