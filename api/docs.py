"""What describes the API: its schema, its pages, the kinds of problems."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson
from django.shortcuts import render

from api import problems
from api.answers import NO_CACHE, answered, is_current, not_modified
from api.endpoint import Answer, Endpoint, django_request, operation
from api.forms import said
from api.schema import openapi
from domain.decision import Decision
from domain.values import Bilingual

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

_made: dict[tuple[type[Decision], ...], bytes] = {}


def _document() -> bytes:
    """The schema, made once for the types that are registered."""
    kinds = tuple(Decision.registry.values())
    if kinds not in _made:
        _made.clear()
        _made[kinds] = orjson.dumps(openapi())
    return _made[kinds]


class Schema(Endpoint):
    """This API, as OpenAPI 3.1."""

    @operation(
        Bilingual("Cette API, en OpenAPI 3.1", "This API, as OpenAPI 3.1"),
        Answer({"type": "object"}, headers=("ETag",)),
    )
    def get(self, request: Request) -> HttpResponse:
        body = _document()
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        headers = {"ETag": etag, "Cache-Control": NO_CACHE}
        if is_current(django_request(request), etag):
            return not_modified(headers)
        return answered(body, headers=headers)


class ProblemKind(Endpoint):
    """What a problem's `type` stands for."""

    @operation(
        Bilingual("Un genre de problème", "A kind of problem"),
        Answer("ProblemKind"),
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        for kind in problems.KINDS:
            if kind.name == name:
                return answered(
                    {"type": kind.type, "status": int(kind.status), "title": said(kind.title)}
                )
        raise problems.not_found()


def pages(request: HttpRequest) -> HttpResponse:
    """The API to look at and to try out; it needs no other server."""
    return render(request, "api/docs.html")
