"""What can be decided: every decision type, described from its class and from nothing else."""

from __future__ import annotations

import hashlib
import inspect
from typing import TYPE_CHECKING, Any

import orjson

from api.http import problems
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.responses import JSON, Described, answered, is_current, not_modified
from api.resources.forms import form_of, said
from domain.catalogue import catalogue
from domain.kernel.decision import UnknownDecisionType, decision_type
from domain.kernel.values import Bilingual

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

    from domain.kernel.decision import Decision
    from domain.kernel.rule import Rule

CACHED = "public, max-age=60"
"""Types change with a release: a minute's delay matters to nobody."""


def _described_all() -> bytes:
    every = [described(kind) for kind in catalogue().values()]
    return orjson.dumps({"next": None, "results": every})


_every = Described(_described_all, JSON, CACHED)


class DecisionTypes(Endpoint):
    """Every decision type."""

    @operation(
        Bilingual("Les types de décision", "The decision types"),
        Answer("DecisionTypePage", headers=("ETag",)),
    )
    def get(self, request: Request) -> HttpResponse:
        return _every.answer(django_request(request))


class DecisionType(Endpoint):
    """One decision type: who takes it, on what basis, under which rules, with which fields."""

    @operation(
        Bilingual("Un type de décision", "One decision type"),
        Answer("DecisionType", headers=("ETag",)),
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        return _cached(django_request(request), described(named(slug)))


def named(slug: str) -> type[Decision]:
    """The type of this name.

    Raises:
        Problem: 404.
    """
    try:
        return decision_type(slug)
    except UnknownDecisionType:
        raise problems.not_found(
            Bilingual("Aucun type de décision ne porte ce nom.", "No decision type has this name.")
        ) from None


def _cached(request: HttpRequest, value: Any) -> HttpResponse:
    body = orjson.dumps(value)
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    said = {"ETag": etag, "Cache-Control": CACHED}
    return not_modified(said) if is_current(request, etag) else answered(body, headers=said)


def described(kind: type[Decision]) -> dict[str, Any]:
    """A decision type as JSON."""
    return {
        "type": kind.slug,
        "name": said(kind.label()),
        "about": inspect.cleandoc(kind.__doc__ or ""),
        "bodies": [
            {"body": str(body), "name": said(body.label)} for body in sorted(kind.taken_by, key=str)
        ],
        "basis": kind.basis,
        "standings": sorted(str(standing) for standing in kind.standings),
        "schema_version": kind.schema_version,
        "rules": [rule_json(rule) for rule in kind.rules()],
        "schema": kind.model_json_schema(mode="validation"),
        "form": form_of(kind),
    }


def rule_json(rule: type[Rule]) -> dict[str, Any]:
    """A rule as JSON; its sentence names in braces the facts that a finding states."""
    return {
        "rule": rule.id,
        "basis": rule.basis,
        "departable": rule.departable,
        "sentence": {"fr": rule.fr, "en": rule.en},
        "about": inspect.cleandoc(rule.__doc__ or ""),
    }
