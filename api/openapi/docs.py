"""What describes the service: OpenAPI for HTTP, AsyncAPI for Kafka, pages, kinds of problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from django.shortcuts import render

from api.http import problems
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.responses import JSON, Described, answered
from api.openapi.asyncapi import asyncapi_yaml
from api.openapi.schema import openapi
from api.resources.forms import said
from domain.kernel.values import Bilingual

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

YAML: Final = "application/yaml"
"""RFC 9512."""


_openapi = Described(lambda: orjson.dumps(openapi()), JSON)
_asyncapi = Described(lambda: asyncapi_yaml().encode(), YAML)


class Schema(Endpoint):
    """This API, as OpenAPI 3.1."""

    @operation(
        Bilingual("Cette API, en OpenAPI 3.1", "This API, as OpenAPI 3.1"),
        Answer({"type": "object"}, headers=("ETag",)),
    )
    def get(self, request: Request) -> HttpResponse:
        return _openapi.answer(django_request(request))


class AsyncApi(Endpoint):
    """What is published to Kafka, as AsyncAPI 3.0: topics, headers, schemas, examples."""

    @operation(
        Bilingual(
            "Ce qui est publié par Kafka, en AsyncAPI 3", "What Kafka carries, as AsyncAPI 3"
        ),
        Answer({"type": "object"}, media_type=YAML, headers=("ETag",)),
    )
    def get(self, request: Request) -> HttpResponse:
        return _asyncapi.answer(django_request(request))


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
