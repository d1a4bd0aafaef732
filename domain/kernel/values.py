"""The small words decisions are written in: identifiers, titles, amounts, texts, terms.

A decision lasts for ever, so its fields may only be of types that cannot hold what may have to
be forgotten. Free text and identities are held by reference: `Text` and `PersonId`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, NewType, Protocol, Self

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from domain.kernel.characters import clean_line, clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["fr", "en"]


class Bilingual(NamedTuple):
    """A sentence or a name a person reads, in both languages; French comes first."""

    fr: str
    en: str

    def to(self, language: Language) -> str:
        return self.fr if language == "fr" else self.en


class Term(str, Enum):  # noqa: UP042 - StrEnum takes no names beside the value
    """A closed vocabulary: each member has a stored value and a name in both languages."""

    fr: str
    en: str

    def __new__(cls, value: str, fr: str, en: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.fr = fr
        member.en = en
        return member

    def __str__(self) -> str:
        return str(self.value)

    @property
    def label(self) -> Bilingual:
        return Bilingual(self.fr, self.en)


# --- Reading -------------------------------------------------------------------------------------

STORED = "stored"
"""The key of the validation context that says: this is history, which is not judged again."""

KEEPER = "keeper"
"""The key under which a `TextKeeper` is handed in."""

UNCHANGED = "unchanged"
"""The key under which a rectification hands in the stored fields that may stay as they are."""


def is_unchanged(value: Any, info: ValidationInfo) -> bool:
    """Whether a rectification leaves as it was what today may no longer be a good value."""
    context: Mapping[str, Any] = info.context or {}
    return UNCHANGED in context and _holds(context[UNCHANGED], value)


def _holds(stored: Any, value: Any) -> bool:
    """Whether the value stands somewhere in the stored fields."""
    if stored == value:
        return True
    match stored:
        case dict() if "coordinates" in stored:  # thousands of numbers, and no word
            return False
        case dict():
            return any(_holds(each, value) for each in stored.values())
        case list():
            return any(_holds(each, value) for each in stored)
        case _:
            return False


def _line(limit: int) -> AfterValidator:
    def read(sent: str, info: ValidationInfo) -> str:
        if STORED in (info.context or {}):
            return sent
        try:
            return clean_line(sent, limit)
        except PydanticCustomError:
            if is_unchanged(sent, info):
                return sent
            raise

    return AfterValidator(read)


# --- Names and identifiers ----------------------------------------------------------------------

KEY_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?$"

Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN), "key"]
"""A short public identifier chosen by whoever records: `a1`, `rue-de-berne`."""

ContractId = Key
PlenaryId = Annotated[Key, "plenary"]
WorkingGroupId = Annotated[Key, "working group"]
NeedId = Annotated[Key, "need"]
ActionId = Annotated[Key, "action"]
MilestoneId = Annotated[Key, "milestone"]
ServiceId = Annotated[Key, "service"]
DepartmentId = Annotated[Key, "department"]
ThemeId = Annotated[Key, "theme"]
FrameworkVersion = Annotated[Key, "framework version"]

_UUID = StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")

PersonId = Annotated[str, _UUID, "person"]
"""An identity in the vault. An event names a person in no other way."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=120), _line(120), "title"]
"""A short public name of a thing, never of a person; part of the event for ever."""

Citation = Annotated[str, StringConstraints(min_length=1, max_length=60), _line(60), "citation"]
"""A public reference such as `PR-1234`, `D-39 (181e)` or `PV 3`."""

Place = Annotated[str, StringConstraints(min_length=1, max_length=120), _line(120), "place"]
"""A public place: a school, a square. Never somebody's address."""

Year = Annotated[int, "year"]
RoadmapVersion = Annotated[int, Ge(1), Le(1000), "roadmap version"]


# --- Money --------------------------------------------------------------------------------------

_AMOUNT = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$"
_CENT = Decimal("0.01")
_is_amount = re.compile(_AMOUNT[1:-1]).fullmatch


def _amount(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        if value.is_finite() and 0 <= value < 10**12 and value == value.quantize(_CENT):
            return abs(value.quantize(_CENT))
    elif isinstance(value, str) and _is_amount(value):
        return Decimal(value).quantize(_CENT)
    raise PydanticCustomError(
        "amount",
        'Must be Swiss francs as a string with at most two decimals, such as "1250.00".',
    )


Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "chf",
            "pattern": _AMOUNT,
            "examples": ["1250.00"],
        }
    ),
    "amount",
]
"""Swiss francs, two places, up to 999,999,999,999.99. Never a float, never rounded."""

ZERO = Decimal("0.00")


# --- Free text, by reference --------------------------------------------------------------------

TEXT_LIMIT = 20_000
"""Characters in one free text."""


TextId = Annotated[str, _UUID, "text id"]
"""Where the vault keeps one free text."""


class TextRef(BaseModel):
    """What an event holds of a free text: where the vault keeps it, and a salted digest of it.

    The digest is SHA-256 of salt and text, in hex. It is what the log proves, so that a text can
    be erased and the history still verifies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: TextId
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), "digest"]


class Audience(Term):
    """Who may read a free text, as long as it is kept."""

    PUBLIC = "public", "tout le monde", "everyone"
    RESTRICTED = "restricted", "personnes habilitées", "authorised readers"


class TextKeeper(Protocol):
    """Takes a free text into safe keeping and answers with the reference to write down."""

    def keep(self, text: str, audience: Audience) -> TextRef: ...


def _kept(audience: Audience) -> BeforeValidator:
    def keep(value: Any, info: ValidationInfo) -> Any:
        context: Mapping[str, Any] = info.context or {}
        keeper: TextKeeper | None = context.get(KEEPER)
        if not isinstance(value, str):
            unchanged = isinstance(value, dict) and _holds(context.get(UNCHANGED), value)
            if keeper is not None and not unchanged:
                raise PydanticCustomError("string_type", "Input should be a valid string")
            return value
        if keeper is None:
            raise PydanticCustomError("text_in_clear", "A stored event holds no text in clear.")
        if len(value) > TEXT_LIMIT:
            raise PydanticCustomError(
                "string_too_long",
                "A text has at most {max_length} characters.",
                {"max_length": TEXT_LIMIT},
            )
        return keeper.keep(value if STORED in context else clean_text(value), audience)

    return BeforeValidator(keep)


_TEXT_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": TEXT_LIMIT}

Text = Annotated[
    TextRef,
    _kept(Audience.PUBLIC),
    WithJsonSchema(_TEXT_SCHEMA | {"format": "text"}, mode="validation"),
    "text",
]
"""A free text meant to be read by everyone: reasons, descriptions, minutes."""

RestrictedText = Annotated[
    TextRef,
    _kept(Audience.RESTRICTED),
    WithJsonSchema(_TEXT_SCHEMA | {"format": "restricted-text"}, mode="validation"),
    "restricted text",
]
"""A free text in residents' own words: only for authorised readers."""

AccountId = NewType("AccountId", str)
"""The account that recorded a decision: a role's account name, never a person's."""
