"""Reference data: departments, services, themes, dated legal delays. Data, not code.

A city replaces the file these are read from; the domain only knows their shape.
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from domain.kernel.days import Day
from domain.kernel.values import Key


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Department(_Data):
    """A department of the City."""

    id: Key
    fr: str
    en: str


class Service(_Data):
    """A municipal service, and the department it belongs to."""

    id: Key
    department: Key
    fr: str
    en: str


class Theme(_Data):
    """What a need, an action or a working group is about."""

    id: Key
    fr: str
    en: str


class Delay(_Data):
    """How many days must pass from publication before a credit can be enforced.

    In force from `since` until the next entry. `source` cites the law.
    """

    since: Day
    days: int
    source: str


class Reference(_Data):
    """What decisions may refer to on the day they are recorded."""

    departments: tuple[Department, ...] = ()
    services: tuple[Service, ...] = ()
    themes: tuple[Theme, ...] = ()
    referendum_delays: tuple[Delay, ...] = ()

    def referendum_delay(self, published_on: date) -> Delay | None:
        """The delay in force on the day of publication; None before the first one known."""
        in_force = [delay for delay in self.referendum_delays if delay.since <= published_on]
        return max(in_force, key=lambda delay: delay.since, default=None)

    def service(self, service: Key) -> Service | None:
        return next((known for known in self.services if known.id == service), None)
