"""What read models are made of: facts with their day and position, sums, things by identifier."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from pydantic import PlainSerializer, WithJsonSchema
from pydantic_core import core_schema

from domain.kernel.values import ZERO, Term, TextRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler

    from domain.kernel.decision import Recorded

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


def _none() -> None:
    """What a dictionary that is no book begins an entry with: nothing."""


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


def _reaching_all(name: str) -> Any:
    """The method of `dict` of that name, for a dictionary that notes what is reached."""
    method = getattr(dict, name)

    def reach(self: Watched, *args: Any) -> Any:
        self.reached.update(self)
        result = method(self, *args)
        self.reached.update(self)
        return result

    return reach


class Watched(Book[Any, Any]):
    """A dictionary of a document; `reached` has the keys of all entries handed out or written."""

    __slots__ = ("reached",)

    def __init__(self, content: dict[Any, Any]) -> None:
        self.reached: set[Any] = set(content)
        super().__init__(content.begin if isinstance(content, Book) else _none, content)

    def __missing__(self, key: Any) -> Any:
        if self.begin is _none:
            raise KeyError(key)
        return super().__missing__(key)

    def __getitem__(self, key: Any) -> Any:
        self.reached.add(key)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.reached.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self.reached.add(key)
        super().__delitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: D102 - as of a dict
        self.reached.add(key)
        return super().get(key, default)

    def pop(self, key: Any, *default: Any) -> Any:  # noqa: D102 - as of a dict
        self.reached.add(key)
        return super().pop(key, *default)

    clear = _reaching_all("clear")
    items = _reaching_all("items")
    popitem = _reaching_all("popitem")
    setdefault = _reaching_all("setdefault")
    update = _reaching_all("update")
    values = _reaching_all("values")
    __ior__ = _reaching_all("__ior__")


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
