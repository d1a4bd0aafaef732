"""Which media type and which coding of an answer a reader prefers (RFC 9110, 12.5).

Django weighs `Accept`, but lets a wildcard take what `q=0` refuses, and does not weigh
`Accept-Encoding`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http.request import MediaType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest


def media_type_of(request: HttpRequest, offered: Sequence[str]) -> str:
    """The media type that is preferred among those offered; the first if none is accepted.

    Args:
        request: whose `Accept` it is.
        offered: the media types of texts that there are, the one preferred by us first.
    """
    # Everything is in UTF-8: asking for that changes nothing.
    spelled = {f"{each.partition(';')[0]}; charset=utf-8": each for each in offered}
    try:
        refused = [each for each in _ranges(request, "Accept", "*/*") if each.quality == 0]
        wanted = [offer for offer in spelled if not _is_refused(request, offer, refused)]
        return spelled.get(request.get_preferred_type(wanted) or "", offered[0])
    except ValueError:  # a parameter in an unknown encoding (RFC 2231)
        return offered[0]


def _is_refused(request: HttpRequest, offer: str, refused: Sequence[MediaType]) -> bool:
    """Whether the most specific range that an offer falls under has the weight 0."""
    accepted, ours = request.accepted_type(offer), MediaType(offer)
    least = 0 if accepted is None else accepted.specificity
    return any(ours.match(str(each)) and each.specificity >= least for each in refused)


def takes_gzip(request: HttpRequest) -> bool:
    """Whether gzip is accepted, and no less welcome than an answer as it is."""
    try:
        ranges = _ranges(request, "Accept-Encoding", "")
    except ValueError:
        return False
    weights = {each.main_type: each.quality for each in ranges}
    gzip = weights.get("gzip", weights.get("*", 0))
    return bool(gzip) and gzip >= weights.get("identity", 0)


def _ranges(request: HttpRequest, header: str, default: str) -> list[MediaType]:
    given = request.headers.get(header, default)
    return [MediaType(each) for each in given.split(",") if each.strip()]
