"""OpenAPI 3.1, derived: from the routes, what endpoints declare, and the registries.

Nothing here knows a decision type or a view by name. What is derived is committed as
tests/golden/openapi.json, so that a change of it is a change somebody reviews.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from api.http.endpoint import Endpoint, Operation
from api.http.freshness import HEADER
from api.http.problems import (
    KINDS,
    MEDIA_TYPE,
    NOT_FOUND,
    NOT_YOURS,
    QUERY,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
)
from api.openapi.schema_components import named, of_kind, schemas
from domain.catalogue import catalogue
from domain.chapters.initiation import ContractInitiated
from domain.kernel.values import KEY_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from api.http.query import Parameter
    from domain.kernel.decision import Decision

_ABOUT: Final = """\
The case file of neighbourhood contracts (*Contrats de quartier*): every decision is an event that
never changes, and everything that can be read is derived from those events.

- **Recording** needs a bearer token; reading what is public does not.
- `known_at` asks what had been recorded by an instant, `valid_at` what had been decided by a day.
- Free texts are plain strings in requests and answers. In the feed of events they are references,
  because a text can be erased and an event cannot.
- Every error has one shape, `application/problem+json`, in the language of `Accept-Language`
  (French first): `errors` name fields by JSON pointers, `findings` the rules in the way.
- A request with an `Idempotency-Key` can be sent again at any time: it is recorded once.
- Lists and views say in `Quartier-Position` up to which position they hold every decision. Lists
  follow a moment behind; an account waits up to two seconds for its own decisions to show.
- What is published to Kafka is described by [AsyncAPI 3](/api/asyncapi.yaml).
"""

_PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "key": {"type": "string", "pattern": KEY_PATTERN},
    "position": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "person": {"type": "string", "format": "uuid"},
    "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}

_REQUEST_HEADERS: Final = {
    "Idempotency-Key": {
        "description": "Your own name for this request: sent again, it is answered as the first"
        " time and recorded once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "If-Match": {
        "description": "The version that the contract must be at, as its ETag says; otherwise"
        " 412, with the decisions missed.",
        "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[0-9]{1,18}(;[0-9a-z;-]*)?")$'},
    },
    "Last-Event-ID": {
        "description": "Of a stream: go on after this event, whatever `after` says.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
}

_RESPONSE_HEADERS: Final = {
    "Cache-Control": {"description": "How long it holds.", "schema": {"type": "string"}},
    "ETag": {
        "description": "The version; of a contract, the number of its decisions.",
        "schema": {"type": "string"},
    },
    "Location": {"description": "Where it can be read.", "schema": {"type": "string"}},
    HEADER: {
        "description": "The position up to which the answer holds every decision recorded.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "Retry-After": {
        "description": "Seconds after which to ask again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {"description": "How to say who asks.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "The id of the request.", "schema": {"type": "string"}},
}

_PROBLEM_HEADERS: Final = {401: ("WWW-Authenticate",), 412: ("ETag",), 503: ("Retry-After",)}

EVERYWHERE: Final = (QUERY, UNAUTHENTICATED, UNAVAILABLE)
"""Any request may have a query or a token that is wrong, and the database may be away."""


def openapi() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Quartier",
            "version": "1",
            "summary": "The case file of neighbourhood contracts, every decision of it provable.",
            "description": _ABOUT,
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "externalDocs": {
            "description": "Ce qui est publié par Kafka / What is published to Kafka: AsyncAPI 3",
            "url": "/api/asyncapi.yaml",
        },
        "servers": [{"url": "/"}],
        "tags": list(_tags()),
        "paths": _paths(),
        "components": {
            "schemas": schemas(),
            "headers": _RESPONSE_HEADERS,
            "parameters": {
                name: {"name": name, "in": "header", "required": False, **header}
                for name, header in _REQUEST_HEADERS.items()
            },
            "responses": {
                kind_name(status): _problem(status, kinds) for status, kinds in _by_status(KINDS)
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of an account; an account has one role.",
                }
            },
        },
    }


def _tags() -> Iterator[dict[str, str]]:
    seen: dict[str, str] = {}
    for _, endpoint in _routes():
        module = inspect.getmodule(endpoint)
        seen.setdefault(_tag(endpoint), _first_line(module))
    for kind in catalogue().values():
        seen.setdefault(_chapter(kind), _first_line(inspect.getmodule(kind)))
    yield from ({"name": name, "description": about} for name, about in seen.items())


def _routes() -> Iterator[tuple[str, type[Endpoint]]]:
    # By name: the routes know this document's own endpoint.
    routes: dict[str, type[Endpoint]] = import_string(f"{settings.ROOT_URLCONF}.ROUTES")
    yield from routes.items()


# --- Paths --------------------------------------------------------------------------------------

_SLOT: Final = re.compile(r"<(\w+):(\w+)>")


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route, endpoint in _routes():
        if "<key:slug>" in route and "post" in endpoint.operations():
            for kind in catalogue().values():
                if kind is not ContractInitiated:
                    concrete = route.replace("<key:slug>", kind.slug)
                    paths.update([_path(concrete, endpoint, kind)])
        else:
            paths.update([_path(route, endpoint)])
    return paths


def _path(
    route: str, endpoint: type[Endpoint], kind: type[Decision] | None = None
) -> tuple[str, dict[str, Any]]:
    slots = _SLOT.findall(route)
    item: dict[str, Any] = {}
    if slots:
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": _PATH_PARAMETERS[converter]}
            for converter, name in slots
        ]
    for method, declared in endpoint.operations().items():
        item[method] = _operation(method, endpoint, declared, kind, has_slots=bool(slots))
    return "/" + _SLOT.sub(r"{\2}", route), item


def _operation(
    method: str,
    endpoint: type[Endpoint],
    declared: Operation,
    kind: type[Decision] | None,
    *,
    has_slots: bool,
) -> dict[str, Any]:
    summary = declared.summary.en if kind is None else f"{kind.fr} / {kind.en}"
    french = declared.summary.fr if kind is None else f"{_paragraph(kind)}: {kind.fr}"
    about = inspect.cleandoc((endpoint if kind is None else kind).__doc__ or "")
    operation: dict[str, Any] = {
        "operationId": f"{method}_{_snake(endpoint)}" if kind is None else f"record_{_slug(kind)}",
        "tags": [_tag(endpoint) if kind is None else _chapter(kind)],
        "summary": summary,
        "description": f"*{french}*\n\n{about}" + _who(declared, kind),
        "security": [{"bearer": []}] if declared.roles is not None else [{}, {"bearer": []}],
        "responses": _responses(declared, kind, has_slots=has_slots),
    }
    parameters = [_parameter(parameter) for parameter in declared.parameters]
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name in declared.headers]
    if parameters:
        operation["parameters"] = parameters
    if declared.body:
        operation["requestBody"] = {
            "required": True,
            "content": {
                media_type: {"schema": named(of_kind(schema, kind))}
                for media_type, schema in declared.body.items()
            },
        }
    return operation


def _who(declared: Operation, kind: type[Decision] | None) -> str:
    text = ""
    if kind is not None:
        bodies = ", ".join(f"`{body}`" for body in sorted(kind.taken_by, key=str))
        rules = ", ".join(f"`{rule.id}`" for rule in kind.rules())
        text = f"\n\nTaken by: {bodies}.\n\nRules: {rules}."
    if declared.roles is not None:
        roles = ", ".join(f"`{role}`" for role in sorted(declared.roles, key=str))
        text += f"\n\nFor the roles: {roles}."
    return text


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": f"{parameter.about.en} / {parameter.about.fr}",
        "schema": parameter.schema,
    }
    if parameter.examples:
        described["examples"] = {
            f"example{number}": {"value": value}
            for number, value in enumerate(parameter.examples, start=1)
        }
    return described


def _responses(
    declared: Operation, kind: type[Decision] | None, *, has_slots: bool
) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for answer in declared.answers:
        response = responses.setdefault(
            str(int(answer.status)),
            {"description": answer.status.phrase, "headers": _headers(answer.headers)},
        )
        if answer.schema is not None:
            schema = {"schema": named(of_kind(answer.schema, kind))}
            response.setdefault("content", {})[answer.media_type.partition(";")[0]] = schema
        if "ETag" in answer.headers and int(answer.status) == 200:  # noqa: PLR2004 - OK
            responses["304"] = {
                "description": "You have it already.",
                "headers": _headers(answer.headers),
            }
    kinds = [*EVERYWHERE, *declared.problems]
    if declared.roles is not None:
        kinds.append(NOT_YOURS)
    if has_slots:
        kinds.append(NOT_FOUND)
    for status, _ in _by_status(kinds):
        responses[str(status)] = {"$ref": f"#/components/responses/{kind_name(status)}"}
    return responses


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, "X-Request-ID")}


def _problem(status: int, kinds: list[Kind]) -> dict[str, Any]:
    return {
        "description": ", or ".join(f"{kind.title.en} (`{kind.name}`)" for kind in kinds),
        "headers": _headers(_PROBLEM_HEADERS.get(status, ())),
        "content": {MEDIA_TYPE: {"schema": named("Problem")}},
    }


def _by_status(kinds: Iterable[Kind]) -> list[tuple[int, list[Kind]]]:
    by_status: dict[int, list[Kind]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(int(kind.status), []).append(kind)
    return sorted(by_status.items())


def kind_name(status: int) -> str:
    """What components call the problems of one status."""
    return f"Problem{status}"


# --- Names --------------------------------------------------------------------------------------


def _tag(endpoint: type[Endpoint]) -> str:
    return endpoint.__module__.rpartition(".")[2].replace("_", "-")


def _chapter(kind: type[Decision]) -> str:
    return f"chapter: {kind.chapter.replace('_', ' ')}"


def _first_line(module: Any) -> str:
    return (inspect.getdoc(module) or "").split("\n", 1)[0]


def _snake(endpoint: type[Endpoint]) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", endpoint.__name__).lower()


def _slug(kind: type[Decision]) -> str:
    return kind.slug.replace("-", "_")


def _paragraph(kind: type[Decision]) -> str:
    return f"§{kind.basis}" if kind.basis[:1].isdigit() else kind.basis
