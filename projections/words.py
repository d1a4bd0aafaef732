"""Words as a search compares them: no accents, no capitals, no ligatures.

PostgreSQL's `unaccent` does the same, but it is an extension that not every server has.
"""

from __future__ import annotations

import unicodedata

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "’": "'", "·": " "})


def folded(text: str) -> str:
    """`Aménagement du Préau des Pâquis` -> `amenagement du preau des paquis`."""
    plain = text.casefold().translate(_LIGATURES)
    decomposed = unicodedata.normalize("NFKD", plain)
    return "".join(each for each in decomposed if not unicodedata.combining(each))
