"""A person whom decisions name by an id. What is sent is `NewPerson`, in `api/persons.py`."""

from __future__ import annotations

from typing_extensions import TypedDict

from domain.values import PersonId


class Person(TypedDict):
    """An identity; `name` is a marker once it is erased."""

    id: PersonId
    name: str
    contact: str | None
    erased: bool


class GivenPerson(TypedDict):
    """The id under which decisions name the person."""

    id: PersonId
