"""Lists across contracts, a page at a time: from the tables of `projections`."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import django.db
import psycopg
from pydantic import TypeAdapter

from api.http.endpoint import django_request
from api.http.freshness import HEADER, shown_to
from api.http.query import LIMIT, Parameter, Unreadable, refuse
from api.http.responses import NO_CACHE, answered, page_after
from domain.kernel.values import Bilingual, ContractId
from projections.engine.keyset import BadCursor

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse
    from rest_framework.request import Request

    from api.http.endpoint import Endpoint
    from projections.engine.keyset import Page
    from projections.engine.table import Table

LONGEST_CURSOR: Final = 1000
FRANCS: Final = {"type": "string", "format": "chf", "pattern": r"^-?\d+\.\d{2}$"}


def _cursor(text: str) -> str:
    if len(text) <= LONGEST_CURSOR and text.isascii() and text.isprintable():
        return text
    raise Unreadable("cursor", "Is not a cursor that this service gave.")


AFTER: Final = Parameter(
    "after",
    _cursor,
    {"type": "string", "maxLength": LONGEST_CURSOR},
    Bilingual(
        "Curseur de la page suivante, tel que « next » le contient.",
        "Cursor of the next page, as it is in `next`.",
    ),
)
PAGING: Final = (AFTER, LIMIT)


def listed(
    endpoint: Endpoint,
    request: Request,
    table: Table,
    query: Callable[..., Page[Any]],
    **conditions: Any,
) -> HttpResponse:
    """One page of what a query of a table finds, with whatever the reader himself has recorded.

    Raises:
        Problem: 400, the cursor is not one of this list.
    """
    asked = endpoint.asked
    position = shown_to(endpoint.account, table.name)
    try:
        page = query(**conditions, cursor=asked["after"], limit=asked["limit"])
    except (BadCursor, OverflowError, psycopg.DataError, django.db.DataError):
        if asked["after"] is None:
            raise  # what is stored is wrong, and not the reader
        raise refuse(
            "after", Unreadable("cursor", "Is not a cursor that this service gave.")
        ) from None
    return answered(
        {
            "next": page_after(django_request(request), page.next),
            "results": [flat(row) for row in page.results],
        },
        headers={"Cache-Control": NO_CACHE, HEADER: str(position)},
    )


def flat(row: Any) -> dict[str, Any]:
    """A row as JSON: what it is of, and its own columns beside."""
    written: dict[str, Any] = {}
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if field.metadata.get("nested"):
            written[field.name] = flat(value)
        elif dataclasses.is_dataclass(value):
            written.update(flat(value))
        else:
            written[field.name] = f"{value:.2f}" if isinstance(value, Decimal) else value
    return written


def schema_of(row: type) -> dict[str, Any]:
    """The JSON Schema of `flat(row)`."""
    properties: dict[str, Any] = {}
    hints = get_type_hints(row, localns={"ContractId": ContractId}, include_extras=True)
    nested = {each.name for each in dataclasses.fields(row) if each.metadata.get("nested")}
    for name, hint in hints.items():
        if name in nested:
            properties[name] = schema_of(hint)
        elif isinstance(hint, type) and dataclasses.is_dataclass(hint):
            properties.update(schema_of(hint)["properties"])
        elif hint is Decimal:
            properties[name] = FRANCS
        elif hint == Decimal | None:
            properties[name] = FRANCS | {"type": ["string", "null"]}
        else:
            properties[name] = _inlined(TypeAdapter(hint))
    return {
        "type": "object",
        "description": (row.__doc__ or "").strip(),
        "properties": properties,
        "required": list(properties),
    }


def _inlined(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """The schema of one column; a vocabulary's members stand in it."""
    schema = adapter.json_schema(mode="serialization")
    definitions = schema.pop("$defs", {})

    def inline(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return inline(definitions[value["$ref"].rpartition("/")[2]])
            return {key: inline(each) for key, each in value.items()}
        return [inline(each) for each in value] if isinstance(value, list) else value

    inlined: dict[str, Any] = inline(schema)
    return inlined
