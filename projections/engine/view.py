"""Views: one document for each contract, a pure fold of its decisions.

    roadmap = View("roadmap", version=1, empty=Roadmap)

    @roadmap.on(ActionRetained)
    def _(view: Roadmap, decision: ActionRetained, recorded: Recorded[Any]) -> None:
        view.actions[decision.action].status = ActionStatus.RETAINED

The same handlers serve today's document, any date in the past and the rebuild. A document is a
tree of slotted dataclasses that pydantic writes as JSON and reads back equal.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

import orjson
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from domain.kernel.history import effective
from domain.kernel.values import STORED, Term, TextRef
from projections.engine.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime

    from pydantic_core import core_schema

    from domain.kernel.decision import Recorded

Doc = TypeVar("Doc")

_STORED = {STORED: True}


class View(Projection[Doc], Generic[Doc]):
    """One document for each contract.

    Where an answer depends on the day it is asked on, the document holds only facts, and
    `reading` says how they are read on a day:

        @conformity.reading
        def _(facts: Facts, today: date) -> Conformity: ...
    """

    def __init__(self, name: str, *, version: int, empty: type[Doc]) -> None:
        super().__init__(name, version=version, begin=empty)
        self.document = TypeAdapter[Doc](empty)
        self.answered: TypeAdapter[Any] = self.document
        self.about = empty.__doc__ or ""
        self._reading: Callable[[Doc, date], Any] | None = None
        VIEWS[name] = self

    def reading(self, read: Callable[[Doc, date], Any]) -> Callable[[Doc, date], Any]:
        """Answer with what this function makes of the document and the day.

        What it makes shares nothing with the document that can change.
        """
        self._reading = read
        answer = get_type_hints(read)["return"]
        self.answered, self.about = TypeAdapter(answer), answer.__doc__ or ""
        return read

    def dump(self, doc: Doc) -> bytes:
        """The document as it is stored: JSON whose bytes depend on nothing but the history."""
        return self.document.dump_json(doc)

    def load(self, stored: str | bytes) -> Doc:
        """The document that `dump` wrote. What is stored was examined when it was sent."""
        return self.document.validate_json(stored, context=_STORED)

    @property
    def depends_on_the_day(self) -> bool:
        """Whether the answer is more than the document."""
        return self._reading is not None

    def read(self, doc: Doc, today: date) -> Any:
        """What is answered on that day: the document, or what `reading` makes of it."""
        return doc if self._reading is None else self._reading(doc, today)

    def answer(self, doc: Doc, today: date) -> bytes:
        """What is answered on that day, as JSON; texts are still references."""
        return self.answered.dump_json(self.read(doc, today))

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the answer, once texts are joined; a `Term` carries its names."""
        return self.answered.json_schema(schema_generator=_Schema, mode="serialization")


VIEWS: dict[str, View[Any]] = {}
"""Every view by its name; `projections.catalogue` imports them all."""


def fold(
    view: Projection[Doc],
    history: Iterable[Recorded[Any]],
    *,
    known_at: datetime | None = None,
    valid_at: date | None = None,
) -> Doc:
    """The document of one contract, or its rows in a table: today's, or those of a date.

    Args:
        view: which.
        history: the contract's decisions as recorded, in order.
        known_at: leave out what was recorded after that instant.
        valid_at: leave out what was decided after that day.
    """
    known = [r for r in history if known_at is None or r.recorded_at <= known_at]
    if valid_at is None:
        return view.fold(known)
    doc = view.begin()
    view.take(doc, list(effective(known, valid_at=valid_at)))
    return doc


def written(part: Any) -> bytes:
    """Any part of documents as JSON, as `View.dump` writes it within the whole."""
    return orjson.dumps(part, _otherwise, orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)


def _otherwise(value: Any) -> Any:
    if isinstance(value, TextRef):
        return vars(value)  # its fields, sooner than the next line has them
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(type(value))


class _Schema(GenerateJsonSchema):
    """Every field is there in an answer, and vocabularies carry their names."""

    def field_is_required(self, *_: Any, **__: Any) -> bool:
        return True

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        written = super().enum_schema(schema)
        if issubclass(schema["cls"], Term):
            written["x-labels"] = {
                term.value: {"fr": term.fr, "en": term.en} for term in schema["cls"]
            }
        return written
