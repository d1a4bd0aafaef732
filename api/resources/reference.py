"""Reference data: what decisions may refer to, and the words their fields are answered with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.responses import NO_CACHE, answered, is_current, not_modified
from domain.chapters.commission import Capacity
from domain.kernel.act import Body
from domain.kernel.framework import FRAMEWORKS
from domain.kernel.values import Bilingual, Term
from infra.conf.reference import reference

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request


class ReferenceData(Endpoint):
    """Departments, services, themes, dated legal delays, capacities, bodies, frameworks."""

    @operation(
        Bilingual("Données de référence", "Reference data"),
        Answer("Reference", headers=("ETag",)),
    )
    def get(self, request: Request) -> HttpResponse:
        body = reference_json()
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        said = {"ETag": etag, "Cache-Control": NO_CACHE}
        if is_current(django_request(request), etag):
            return not_modified(said)
        return answered(body, headers=said)


def reference_json() -> bytes:
    """The city's own data, and the vocabularies that the Cadre itself gives."""
    return orjson.dumps(
        {
            **reference().model_dump(mode="json"),
            "capacities": _vocabulary(Capacity),
            "bodies": _vocabulary(Body),
            "frameworks": [
                {"id": each.version, "fr": each.title.fr, "en": each.title.en}
                for each in FRAMEWORKS.values()
            ],
        }
    )


def _vocabulary(terms: type[Term]) -> list[dict[str, Any]]:
    return [{"id": str(term), "fr": term.fr, "en": term.en} for term in terms]
