"""A person whom decisions name by an id. `NewPerson` of `api/resources` is what is sent."""

from __future__ import annotations

from typing_extensions import TypedDict

from domain.kernel.values import PersonId


class Person(TypedDict):
    """An identity; `name` is a marker once it is erased."""

    id: PersonId
    name: str
    contact: str | None
    erased: bool


class GivenPerson(TypedDict):
    """The id under which decisions name the person."""

    id: PersonId
