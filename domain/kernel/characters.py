"""What may stand in a text that people read: nothing hidden, and something to be seen.

Asked of what is sent. What was stored is read as it is, so a later version of Unicode, or of
these rules, makes no history unreadable.

Source: Unicode Standard Annex 44, general categories and Default_Ignorable_Code_Point; Unicode
Technical Report 36, 2.5, for the characters that turn the direction of writing.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable

NAME_LIMIT = 200

_LINE_ENDS = frozenset("\n\r\t")

_JOINERS = frozenset("\u200c\u200d")
"""Persian, Indic scripts and composed emoji need them between two visible characters."""

_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
"""Arabic and Syriac signs that enclose or underline numbers."""

_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e")
"""Embeddings and overrides: a text reads as something else. Isolates and marks do for texts."""

_PLANE_ENDS = (0xFFFE, 0xFFFF)
_SET_ASIDE = (
    range(0x2065, 0x2066),
    range(0xFDD0, 0xFDF0),
    range(0xFFF0, 0xFFF9),
    range(0xE0000, 0xE1000),
)
"""Code points that are never characters, or only ones that show nothing."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing: the Hangul fillers and the empty Braille pattern."""

_HIDDEN_MARKS = frozenset("\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")
"""Marks without a shape. Variation selectors are none of them: emoji need those."""


def clean_line(sent: str, limit: int) -> str:
    """One line of text in Unicode's composed form (NFC), which is what the limit counts.

    Raises:
        PydanticCustomError: a character that is hidden, breaks the line or turns the direction of
            writing; nothing to be seen; a space at an end; more than `limit` characters.
    """
    value = sent if sent.isascii() else unicodedata.normalize("NFC", sent)
    if not (value.isascii() and value.isprintable()):
        _demand(value, hidden=_hides_in_a_line)
    if value != value.strip() or not _shows(value):
        raise PydanticCustomError("blank", "Must not be blank, nor begin or end with a space.")
    if len(value) > limit:
        raise PydanticCustomError(
            "string_too_long",
            "String should have at most {max_length} characters",
            {"max_length": limit},
        )
    return value


def clean_text(sent: str) -> str:
    """Several lines of text in NFC: line ends and tabs, but no other control character.

    Raises:
        PydanticCustomError: a control character, a lone surrogate, a character that overrides the
            direction of writing; or nothing to be seen.
    """
    value = sent if sent.isascii() else unicodedata.normalize("NFC", sent)
    if not (value.isascii() and value.isprintable()):
        _demand(value, hidden=_hides_in_a_text)
    if not _shows(value):
        raise PydanticCustomError("blank", "Must not be blank.")
    return value


def clean_name(sent: str) -> str:
    """A person's name on one line, without spaces around it.

    Raises:
        PydanticCustomError: as `clean_line` does.
    """
    return clean_line(sent.strip(), NAME_LIMIT)


def line_from(name: str, limit: int) -> str:
    """A line out of a name that was not made for here, such as a file's; empty if nothing shows.

    What may not stand in a line is left out. What is too long loses its middle: the end of a
    file's name says what kind of file it is.
    """
    value = unicodedata.normalize("NFC", name)
    line = " ".join("".join(each for each in value if _may_be_kept(each)).split())
    if len(line) > limit:
        stem, dot, ending = line.rpartition(".")
        tail = dot + ending if stem and len(ending) < limit // 4 else ""
        line = line[: limit - len(tail) - 1].rstrip() + "…" + tail
    try:
        return clean_line(line, limit)
    except PydanticCustomError:
        return ""


def _may_be_kept(character: str) -> bool:
    return character.isspace() or not _hides_in_a_line(character)


def _demand(value: str, hidden: Callable[[str], bool]) -> None:
    if not any(map(hidden, set(value))):
        return
    for at, character in enumerate(value):
        if hidden(character) and not (character in _JOINERS and _joins(value, at)):
            raise PydanticCustomError(
                "characters",
                "Character U+{code} is not allowed here.",
                {"code": f"{ord(character):04X}"},
            )


@lru_cache(maxsize=4096)
def _hides_in_a_line(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        category in {"Cc", "Cs", "Co", "Zl", "Zp"}
        or (category == "Cf" and character not in _VISIBLE_FORMATS)
        or character in _HIDDEN_MARKS
        or character in _BLANK
        or _is_no_character(character)
    )


@lru_cache(maxsize=4096)
def _hides_in_a_text(character: str) -> bool:
    return (
        (character not in _LINE_ENDS and unicodedata.category(character) in {"Cc", "Cs"})
        or character in _OVERRIDES
        or _is_no_character(character)
    )


def _is_no_character(character: str) -> bool:
    """Whether Unicode sets the code point aside, for ever or for characters without a shape."""
    if unicodedata.category(character) != "Cn":
        return False
    code = ord(character)
    return code % 0x10000 in _PLANE_ENDS or any(code in aside for aside in _SET_ASIDE)


def _joins(value: str, at: int) -> bool:
    """Whether what stands on both sides of a joiner is something to join."""
    around = value[at - 1 : at] + value[at + 1 : at + 2]
    return len(around) == 2 and not any(each.isspace() or each in _JOINERS for each in around)  # noqa: PLR2004


def _shows(value: str) -> bool:
    """Whether anything is to be seen. Marks alone have nothing to stand on.

    What is not assigned may be: a later Unicode than this Python's has more signs.
    """
    return any(
        _may_show(unicodedata.category(each)) and each not in _BLANK and not _is_no_character(each)
        for each in value
    )


def _may_show(category: str) -> bool:
    return category[0] in "LNPS" or category == "Cn"
