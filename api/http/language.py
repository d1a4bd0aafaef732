"""In which language a request is answered: French, unless it prefers English."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.translation.trans_real import parse_accept_lang_header

if TYPE_CHECKING:
    from django.http import HttpRequest

    from domain.kernel.values import Language


def language_of(request: HttpRequest) -> Language:
    """The first language of `Accept-Language` that there is; French if it names none of them."""
    return _preferred(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))


@lru_cache(maxsize=1000)
def _preferred(header: str) -> Language:
    weights = [(tag.split("-")[0], weight) for tag, weight in parse_accept_lang_header(header)]
    refused = {tag for tag, weight in weights if not weight}
    for tag, weight in weights:
        match tag if weight else None:
            case "fr":
                return "fr"
            case "en":
                return "en"
            case "*":
                return "en" if "fr" in refused and "en" not in refused else "fr"
    return "en" if "fr" in refused and "en" not in refused else "fr"
