"""Words as a search compares them: no accents, no capitals, no ligatures, nothing but words.

PostgreSQL's `unaccent` does some of that, but it is an extension that not every server has; and
its parser makes one word of `mont-blanc`, which somebody who has typed `mont-bla` cannot find.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
"""Letters that Unicode does not take apart."""


def folded(text: str) -> str:
    """`Aménagement de l'ancien-port` -> `amenagement de l ancien port`."""
    return " ".join("".join(_folded(text, kept="")).split())


def _folded(text: str, kept: str) -> list[str]:
    """Its letters and digits, folded; anything else, but what is kept, is a space."""
    compatible = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return [
        each if each.isalnum() or each in kept else " "
        for each in unicodedata.normalize("NFKD", compatible)
        if unicodedata.category(each) not in _IN_WORDS
    ]


_IN_WORDS = {"Mn", "Mc", "Me", "Cf"}
"""Marks on a letter, and what is not seen, such as a soft hyphen: a word goes on over them."""


class Sought(NamedTuple):
    """What somebody looks for, in the form of web searches, but for the parts of a `tsquery`.

    words: all of it.
    before: the words before the last one.
    last: the last word, as the beginning of words that come with those before.
    either: the same where an `or` comes before it; one of both is empty, or both are.
    """

    words: str
    before: str
    last: str
    either: str


def sought(text: str) -> Sought:
    """What a text asks for: words, `"words in a row"`, `or` between them, `-not` before one.

    Who is typing has not ended the last word, nor always a quote.
    """
    plain = "".join(_folded(text, kept='-"'))
    if plain.count('"') % 2:
        plain = plain.replace('"', " ")
    # A hyphen within a word, or after one, divides words.
    plain = re.sub(r'(?<![\s"])-|-(?![\w"])', " ", f" {plain}")
    words = plain.split()
    if not any(word[0] not in '-"' for word in words) and '"' not in plain:
        words = [word.lstrip("-") for word in words]
    whole = " ".join(words)
    if not words or not words[-1].isalnum():
        return Sought(whole, "", "", "")
    *before, last = words
    beginning = f"{last}:*"
    if len(before) > 1 and before[-1] == "or":
        return Sought(whole, " ".join(before[:-1]), "", beginning)
    return Sought(whole, " ".join(before), beginning, "")
