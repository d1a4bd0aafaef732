"""A request's body: JSON that means one thing, or a problem that says why it does not.

Python's own reader takes more than JSON is (NaN, lone surrogates, the same key twice). What is
recorded lasts for ever and is signed, so none of that may come in.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.http import UnreadablePostError

from api.http.problems import Problem, malformed, too_large, wrong_media_type
from domain.kernel.values import Bilingual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a JSON body. The largest perimeter accepted, 20,000 vertices, needs about 1 MB."""

DEEPEST: Final = 64
"""Levels of lists and objects within one another."""

_JSON: Final = re.compile(r"application/json\s*(;\s*charset=\"?utf-8\"?\s*)?$", re.IGNORECASE)


CHUNK: Final = 64 * 1024


def demand_length(request: HttpRequest, largest: int) -> int:
    """How many bytes are to come; 0 if the request does not say.

    Raises:
        Problem: 413 if they are more than are taken; 415 if they are compressed.
    """
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise malformed() from None
    if length > largest:
        raise too_large(largest)
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise wrong_media_type("application/json (Content-Encoding: identity)")
    return length


def read_chunks(request: HttpRequest, largest: int) -> Iterator[bytes]:
    """The body as it was sent, piece by piece.

    Raises:
        Problem: 413 if it is larger; 400 if it was cut off.
    """
    length = demand_length(request, largest)
    # A body sent in chunks has no length beforehand; Django would read nothing of it.
    chunked = not length and "HTTP_TRANSFER_ENCODING" in request.META
    stream = request.META["wsgi.input"] if chunked else request
    size = 0
    while True:
        try:
            chunk: bytes = stream.read(CHUNK)
        except (UnreadablePostError, OSError):
            raise malformed() from None
        if not chunk:
            break
        size += len(chunk)
        if size > largest:
            raise too_large(largest)
        yield chunk
    if size < length:
        raise malformed(
            Bilingual(
                "Le corps de la requête est incomplet.", "The body of the request is incomplete."
            )
        )


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        Problem: 413 too large, 415 not JSON by its type, 400 not JSON by its content.
    """
    if not _JSON.match(request.META.get("CONTENT_TYPE") or ""):
        raise wrong_media_type("application/json")
    value = parse(b"".join(read_chunks(request, LARGEST)))
    if not isinstance(value, dict):
        raise malformed(
            Bilingual(
                "Le corps de la requête doit être un objet JSON.",
                "The body of the request must be a JSON object.",
            )
        )
    return value


def parse(body: bytes) -> Any:
    """A JSON value as RFC 8259 and RFC 7493 (I-JSON) have it.

    Raises:
        Problem: 400: not UTF-8, not JSON, a number beyond all measure, a lone surrogate, a key
            twice in one object, too deep.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _unreadable(error) from None
    if _depth(body) > DEEPEST:
        raise malformed(
            Bilingual(
                f"Le JSON dépasse {DEEPEST} niveaux d'imbrication.",
                f"The JSON is nested more than {DEEPEST} levels deep.",
            )
        )
    if body.count(b'"') > 2:  # noqa: PLR2004 - a name that is there twice needs four
        json.loads(body, object_pairs_hook=_once)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))[:60]  # type: ignore[func-returns-value]
        raise malformed(
            Bilingual(
                f"Le JSON donne deux fois le membre « {twice} ».",
                f"The JSON gives the member “{twice}” twice.",
            )
        )
    return read


_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def _depth(body: bytes) -> int:
    """How deep lists and objects lie within one another in bytes that are JSON."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return 0
    depth = deepest = 0
    for bracket in _STRING.sub(b"", body).translate(None, _NOT_BRACKETS):
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _unreadable(error: orjson.JSONDecodeError) -> Problem:
    why = error.msg[:120]
    return malformed(
        Bilingual(
            f"Le corps de la requête n'est pas du JSON en UTF-8 (ligne {error.lineno}, colonne"
            f" {error.colno} : {why}).",
            f"The body of the request is not JSON in UTF-8 (line {error.lineno}, column"
            f" {error.colno}: {why}).",
        )
    )
