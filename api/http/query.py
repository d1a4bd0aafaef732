"""Query parameters: each declared once, read strictly, described in OpenAPI from the same place.

A parameter that nobody declared is refused: `?knwon_at=…` must not quietly answer with today.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import PydanticCustomError

from api.http.problems import QUERY, Problem
from domain.kernel.days import LAST_DAY, instant_within, read_day
from domain.kernel.values import KEY_PATTERN, Bilingual
from infra.recording.refusals import FieldError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest


class Unreadable(ValueError):
    """A parameter's value is not what it should be."""

    def __init__(self, code: str, message: str, **context: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.context = context


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter.

    read: from text to value; raises `Unreadable`.
    schema: its JSON Schema.
    several: it may be given more than once; its value is then a list.
    """

    name: str
    read: Callable[[str], Any]
    schema: dict[str, Any]
    about: Bilingual
    default: Any = None
    several: bool = False
    examples: Sequence[Any] = field(default=())


def ask(request: HttpRequest, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """What the query asks for, by name; a parameter that is not there has its default.

    Raises:
        Problem: 400, with everything that is wrong with the query.
    """
    asked = {parameter.name: parameter.default for parameter in parameters}
    if not request.META.get("QUERY_STRING"):
        return asked
    declared = {parameter.name: parameter for parameter in parameters}
    faults: list[FieldError] = []
    for name, values in request.GET.lists():
        parameter = declared.get(name)
        if parameter is None:
            faults.append(_fault(name, Unreadable("unknown_parameter", "No such parameter here.")))
            continue
        if len(values) > 1 and not parameter.several:
            faults.append(_fault(name, Unreadable("repeated", "Must be given only once.")))
            continue
        try:
            read = [parameter.read(value) for value in values]
        except Unreadable as error:
            faults.append(_fault(name, error))
        else:
            asked[name] = read if parameter.several else read[0]
    if faults:
        raise Problem(
            QUERY,
            Bilingual(
                "L'adresse demande quelque chose qui n'existe pas ou ne peut pas être lu.",
                "The address asks for something that does not exist or cannot be read.",
            ),
            errors=faults,
        )
    return asked


def refuse(name: str, error: Unreadable) -> Problem:
    """The problem of one parameter that only the view itself could judge."""
    return Problem(
        QUERY,
        Bilingual("Ce paramètre ne convient pas.", "This parameter does not fit."),
        errors=[_fault(name, error)],
    )


def demand_order(since: Any, until: Any) -> None:
    """Refuse a query whose `from` lies after its `to`; either may be None.

    Raises:
        Problem: 400.
    """
    if since is not None and until is not None and since > until:
        raise refuse("from", Unreadable("order", "Lies after `to`."))


def _fault(name: str, error: Unreadable) -> FieldError:
    shown = name[:100].encode("utf-8", "replace").decode()
    return FieldError(
        "/" + shown.replace("~", "~0").replace("/", "~1"), error.code, error.message, error.context
    )


# --- Readers ------------------------------------------------------------------------------------

_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_KEY: Final = re.compile(KEY_PATTERN)
_WHOLE: Final = re.compile(r"\d{1,18}", re.ASCII)


def instant(text: str) -> dt.datetime:
    """An RFC 3339 instant. A `+` that was not escaped arrives as a space, and is taken as one.

    What lies beyond the calendar is its end: nothing was recorded there, and no time zone leads
    any farther.
    """
    text = re.sub(r" (\d{2}:\d{2})$", r"+\1", text)
    wrong = Unreadable(
        "instant", 'Must be an RFC 3339 instant with its offset, such as "2017-05-08T12:00:00Z".'
    )
    if not _INSTANT.fullmatch(text):
        raise wrong
    # More than microseconds are cut off: nothing was recorded between two of them.
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.upper())
    try:
        return instant_within(dt.datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise wrong from None


def day(text: str) -> dt.date:
    """A day, `2017-05-08`; what lies beyond the calendar is its last day."""
    try:
        return min(read_day(text), LAST_DAY)
    except PydanticCustomError as error:
        raise Unreadable(error.type, error.message()) from None


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """A whole number between two others."""

    def read(text: str) -> int:
        if _WHOLE.fullmatch(text) and minimum <= int(text) <= maximum:
            return int(text)
        raise Unreadable(
            "integer",
            f"Must be a whole number from {minimum} to {maximum}.",
            minimum=minimum,
            maximum=maximum,
        )

    return read


def one_of(*values: str) -> Callable[[str], str]:
    """One of a few words."""

    def read(text: str) -> str:
        if text in values:
            return text
        raise Unreadable("one_of", f"Must be one of: {', '.join(values)}.", expected=values)

    return read


def key(text: str) -> str:
    """A short public identifier."""
    if _KEY.fullmatch(text):
        return text
    raise Unreadable("contract", "Must be a short id such as `paquis`.")


SEARCH_LIMIT: Final = 200


def words(text: str) -> str:
    """Words to search for."""
    if 0 < len(text) <= SEARCH_LIMIT and text.isprintable():
        return text
    raise Unreadable(
        "search",
        f"Must have 1 to {SEARCH_LIMIT} characters and no control character.",
        max_length=SEARCH_LIMIT,
    )


# --- Parameters that several answers have -------------------------------------------------------

LIMIT_MOST: Final = 1000
_POSITION_MOST: Final = 10**18 - 1

KNOWN_AT: Final = Parameter(
    "known_at",
    instant,
    {"type": "string", "format": "date-time"},
    Bilingual(
        "Ce qui était enregistré à cet instant (RFC 3339).",
        "What had been recorded by that instant (RFC 3339).",
    ),
    examples=("2017-05-08T12:00:00Z",),
)
VALID_AT: Final = Parameter(
    "valid_at",
    day,
    {"type": "string", "format": "date"},
    Bilingual(
        "Ce qui avait été décidé à la fin de ce jour.",
        "What had been decided by the end of that day.",
    ),
    examples=("2016-12-31",),
)
LIMIT: Final = Parameter(
    "limit",
    whole(1, LIMIT_MOST),
    {"type": "integer", "minimum": 1, "maximum": LIMIT_MOST, "default": 100},
    Bilingual("Nombre d'éléments au plus.", "How many at most."),
    default=100,
)


def after(read: Callable[[str], Any]) -> Parameter:
    """The cursor of a list whose order is its own."""
    return Parameter(
        "after",
        read,
        {"type": "string", "maxLength": 1000},
        Bilingual(
            "Curseur de la page suivante, tel que « next » le contient.",
            "Cursor of the next page, as it is in `next`.",
        ),
    )


AFTER_POSITION: Final = Parameter(
    "after",
    whole(0, _POSITION_MOST),
    {"type": "integer", "minimum": 0, "maximum": _POSITION_MOST, "default": 0},
    Bilingual("Après cette position.", "After this position."),
    default=0,
)
