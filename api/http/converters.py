"""What may stand in an address: ids in the forms that the domain gives them."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import StringConverter

from domain.kernel.values import KEY_PATTERN


class Key(StringConverter):
    """A contract, a decision type: `paquis`, `perimeter-set`."""

    regex = KEY_PATTERN.removeprefix("^").removesuffix("$").replace("(", "(?:")


class Position(StringConverter):
    """A place in the order of all decisions, from 1."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:  # type: ignore[override]
        """The number."""
        return int(value)


class Person(StringConverter):
    """A person's id in the vault."""

    regex = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Digest(StringConverter):
    """SHA-256 in hex."""

    regex = "[0-9a-f]{64}"


def register() -> None:
    """Make them known to Django."""
    register_converter(Key, "key")
    register_converter(Position, "position")
    register_converter(Person, "person")
    register_converter(Digest, "digest")
