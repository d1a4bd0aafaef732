"""What decisions may refer to: the municipality's own words, and those of the Cadre."""

from __future__ import annotations

from datetime import date

from typing_extensions import TypedDict

from domain.kernel.values import Key


class Named(TypedDict):
    """A word of a vocabulary."""

    id: str
    fr: str
    en: str


class Service(Named):
    """A municipal service, with the department it belongs to."""

    department: Key


class Delay(TypedDict):
    """How many days must pass from publication, from a day on."""

    since: date
    days: int
    source: str


class Reference(TypedDict):
    """What decisions may refer to."""

    departments: list[Named]
    services: list[Service]
    themes: list[Named]
    referendum_delays: list[Delay]
    capacities: list[Named]
    bodies: list[Named]
    frameworks: list[Named]
