"""The coordination commission as it sits: its seats, and whether they are on equal terms (§3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from domain.chapters.commission import CommissionConstituted, NoParity, SeatSide
from domain.kernel.contract import Contract, Side
from domain.kernel.framework import CADRE_2014, FRAMEWORKS
from domain.kernel.values import PersonId
from projections.facts.facts import Fact, Text, fact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from domain.kernel.decision import Recorded


@cache
def _law(framework: str) -> Contract:
    """A contract that nothing has happened to, to ask how that version counts seats."""
    return Contract("none", framework=FRAMEWORKS.get(framework, CADRE_2014))


@dataclass(slots=True)
class Seat:
    """For whom somebody sits, or sat until the seat fell vacant."""

    side: SeatSide
    vacated: Fact | None = None


@dataclass(slots=True)
class Commission:
    """Who sits, how many count for each side, and whether the commission may decide now.

    `constituted` is the last time; seats are those of that time. `accepted_difference`: seats by
    which the sides differed then, for the reason in `justification`. `lost`: the decision since
    which it is inquorate.
    """

    seats: dict[PersonId, Seat] = field(default_factory=dict)
    constituted: Fact | None = None
    neighbourhood: int = 0
    services: int = 0
    accepted_difference: int = 0
    justification: Text | None = None
    quorate: bool = False
    lost: Fact | None = None

    def constitute(self, framework: str, recorded: Recorded[CommissionConstituted]) -> None:
        """Take the seats of this decision; they replace the ones before."""
        self.seats = {seat.person: Seat(seat.side) for seat in recorded.decision.seats}
        self.constituted = fact(recorded)
        self.justification = recorded.act.departures.get(NoParity.id)
        self.neighbourhood, self.services = _count(framework, self.seats.values())
        self.accepted_difference = abs(self.neighbourhood - self.services)
        self.quorate, self.lost = True, None

    def leave(
        self, framework: str, persons: Iterable[PersonId], side: SeatSide, recorded: Recorded[Any]
    ) -> int:
        """Let the seats these persons hold for that side fall vacant; how many there were."""
        leaving = fact(recorded)
        vacated = 0
        for person in persons:
            seat = self.seats.get(person)
            if seat is not None and seat.side is side and seat.vacated is None:
                seat.vacated = leaving
                vacated += 1
        if vacated:
            self._weigh(framework, leaving)
        return vacated

    def _weigh(self, framework: str, leaving: Fact) -> None:
        """Ask again whether both sides are there, on terms no less equal than was accepted."""
        seated = [seat for seat in self.seats.values() if seat.vacated is None]
        self.neighbourhood, self.services = _count(framework, seated)
        difference = abs(self.neighbourhood - self.services)
        uneven = _law(framework).framework.parity and difference > self.accepted_difference
        sides = {seat.side for seat in self.seats.values()}
        was = self.quorate
        self.quorate = not uneven and {seat.side for seat in seated} == sides
        if was and not self.quorate:
            self.lost = leaving

    def seated(self, day: date) -> dict[PersonId, SeatSide]:
        """Who held a seat on that day, and for which side."""
        return {
            person: seat.side
            for person, seat in self.seats.items()
            if seat.vacated is None or day < seat.vacated.decided_on
        }


def _count(framework: str, seats: Iterable[Seat]) -> tuple[int, int]:
    """How many sit for the neighbourhood and for the services, as that version counts them."""
    sides: list[Side] = [
        "service" if seat.side is SeatSide.SERVICE else "neighbourhood" for seat in seats
    ]
    return _law(framework).sides(sides)
