"""What read models are made of: facts with their day and position, sums, things by identifier."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from pydantic import PlainSerializer, WithJsonSchema
from pydantic_core import core_schema

from domain.values import ZERO, Term, TextRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler

    from domain.decision import Recorded

K = TypeVar("K")
V = TypeVar("V")
TermT = TypeVar("TermT", bound=Term)

Text = Annotated[
    TextRef,
    WithJsonSchema(
        {"type": "string", "format": "text", "description": "Joined from the vault when read."},
        mode="serialization",
    ),
]
"""A free text by reference; whoever renders the document joins it, or what stands for it."""

Money = Annotated[
    Decimal,
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str, when_used="json"),
    WithJsonSchema(
        {"type": "string", "format": "chf", "pattern": r"^-?[0-9]+\.[0-9]{2}$"},
        mode="serialization",
    ),
]
"""Swiss francs with two places. Unlike an amount in a decision it may be a balance below zero."""

NOTHING = ZERO


@dataclass(slots=True)
class Fact:
    """Something that was decided: on which day, and by which decision."""

    decided_on: date
    position: int


@dataclass(slots=True)
class Because(Fact):
    """Something that was decided, and why."""

    reason: Text | None


def fact(recorded: Recorded[Any]) -> Fact:
    """When and by which decision."""
    return Fact(recorded.act.decided_on, recorded.position)


def first(known: Fact | None, recorded: Recorded[Any]) -> Fact:
    """The earlier of the two by day: what was recorded late may have been decided before."""
    if known is not None and known.decided_on <= recorded.act.decided_on:
        return known
    return fact(recorded)


def because(recorded: Recorded[Any], reason: TextRef | None) -> Because:
    """When, by which decision, and why."""
    return Because(recorded.act.decided_on, recorded.position, reason)


def word(vocabulary: type[TermT], value: str) -> TermT:
    """The term of that stored value."""
    return vocabulary(value)  # type: ignore[call-arg]  # by value, not by value and names


class Book(dict[K, V]):
    """Things by their identifier. Writing to one that is not there yet begins it.

    A history filtered by date may begin in the middle of a story: what is spoken of there is
    begun empty.
    """

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[[], V], content: dict[K, V] | None = None) -> None:
        super().__init__(content or {})
        self.begin = begin

    def __missing__(self, key: K) -> V:
        self[key] = begun = self.begin()
        return begun

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        key, value = get_args(source)
        return core_schema.no_info_after_validator_function(
            lambda content: cls(value, content),
            handler.generate_schema(dict[key, value]),  # type: ignore[valid-type]
        )


class Tally(dict[K, int]):
    """How many there are of each."""

    __slots__ = ()

    def add(self, key: K, number: int = 1) -> None:
        """Count so many more of one, or fewer."""
        self[key] = self.get(key, 0) + number

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        (key,) = get_args(source)
        return core_schema.no_info_after_validator_function(
            cls,
            handler.generate_schema(dict[key, int]),  # type: ignore[valid-type]
        )


def book(begin: Callable[[], V]) -> Any:
    """Make a field that is empty at first.

    actions: Book[ActionId, Line] = book(Line)
    """
    return field(default_factory=lambda: Book(begin))
