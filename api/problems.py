"""Every way in which a request can go wrong, and the one place that chooses its status code.

An error is answered as RFC 9457 has it, in the reader's language:

    HTTP/1.1 409 Conflict
    Content-Type: application/problem+json

    {"type": "/api/problems/rules", "title": "Des règles s'y opposent", "status": 409,
     "detail": "…", "instance": "urn:request:…", "findings": [{"rule": …, "message": …, …}]}

Code raises what went wrong in its own words; `problem_of` says what that is over HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import django.db
import orjson
import psycopg
import structlog
from django.core import exceptions as django_errors
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as rest_errors

from api.language import language_of
from api.sentences import sentence
from domain.values import Bilingual
from infra import documents, refusals
from infra.append import Busy, Indefinite
from infra.database import forget_connection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

    from domain.rule import Finding
    from domain.values import Language
    from infra.accounts import Role
    from infra.refusals import FieldError

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = 2
"""Seconds after which it is worth asking again, where nothing better is known."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: the last part of its `type`, its status and its title."""

    name: str
    status: HTTPStatus
    title: Bilingual

    @property
    def type(self) -> str:
        return f"/api/problems/{self.name}"


def _kind(name: str, status: HTTPStatus, fr: str, en: str) -> Kind:
    return Kind(name, status, Bilingual(fr, en))


MALFORMED: Final = _kind(
    "malformed", HTTPStatus.BAD_REQUEST, "Requête mal formée", "Malformed request"
)
QUERY: Final = _kind(
    "query", HTTPStatus.BAD_REQUEST, "Paramètres de requête invalides", "Invalid query parameters"
)
UNAUTHENTICATED: Final = _kind(
    "unauthenticated",
    HTTPStatus.UNAUTHORIZED,
    "Authentification requise",
    "Authentication required",
)
NOT_YOURS: Final = _kind(
    "not-yours", HTTPStatus.FORBIDDEN, "Votre rôle ne le permet pas", "Your role does not permit it"
)
NOT_COMPETENT: Final = _kind(
    "not-competent",
    HTTPStatus.FORBIDDEN,
    "L'instance n'est pas compétente",
    "The body is not competent",
)
NOT_FOUND: Final = _kind("not-found", HTTPStatus.NOT_FOUND, "Introuvable", "Not found")
METHOD: Final = _kind(
    "method", HTTPStatus.METHOD_NOT_ALLOWED, "Méthode non admise", "Method not allowed"
)
RULES: Final = _kind(
    "rules", HTTPStatus.CONFLICT, "Des règles s'y opposent", "Rules are against it"
)
EXISTS: Final = _kind("exists", HTTPStatus.CONFLICT, "Existe déjà", "Already exists")
MISSED: Final = _kind(
    "missed",
    HTTPStatus.PRECONDITION_FAILED,
    "Le contrat a changé entre-temps",
    "The contract has changed meanwhile",
)
TOO_LARGE: Final = _kind(
    "too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Requête trop grande", "Request too large"
)
MEDIA: Final = _kind(
    "media-type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "Type de contenu non pris en charge",
    "Unsupported media type",
)
FIELDS: Final = _kind(
    "fields", HTTPStatus.UNPROCESSABLE_ENTITY, "Champs invalides", "Invalid fields"
)
KEY_REUSED: Final = _kind(
    "key-reused",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Clé d'idempotence déjà utilisée",
    "Idempotency key already used",
)
THROTTLED: Final = _kind(
    "throttled", HTTPStatus.TOO_MANY_REQUESTS, "Trop de requêtes", "Too many requests"
)
FAILED: Final = _kind(
    "failed", HTTPStatus.INTERNAL_SERVER_ERROR, "Erreur du service", "The service failed"
)
UNAVAILABLE: Final = _kind(
    "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Momentanément indisponible",
    "Temporarily unavailable",
)

KINDS: Final = (
    *(MALFORMED, QUERY, UNAUTHENTICATED, NOT_YOURS, NOT_COMPETENT, NOT_FOUND, METHOD, RULES),
    *(EXISTS, MISSED, TOO_LARGE, MEDIA, FIELDS, KEY_REUSED, THROTTLED, FAILED, UNAVAILABLE),
)


@dataclass
class Problem(Exception):
    """What went wrong, as it will be told.

    errors: what is wrong with fields, each with a JSON pointer into the body; under the kind
        `query`, the pointers name parameters.
    findings: the rules that stand against a decision.
    more: further members of the answer.
    """

    kind: Kind
    detail: Bilingual
    errors: Sequence[FieldError] = ()
    findings: Sequence[Finding] = ()
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def as_json(self, language: Language, request_id: str) -> dict[str, Any]:
        """The answer's body."""
        answer: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title.to(language),
            "status": int(self.kind.status),
            "detail": self.detail.to(language),
            "instance": f"urn:request:{request_id}",
            **self.more,
        }
        if self.errors:
            answer["errors"] = [
                {
                    "pointer": fault.pointer,
                    "code": fault.code,
                    "message": sentence(fault, language),
                }
                for fault in self.errors
            ]
        if self.findings:
            answer["findings"] = [finding.as_json(language) for finding in self.findings]
        return answer


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem over HTTP."""
    language = language_of(request)
    return HttpResponse(
        orjson.dumps(problem.as_json(language, getattr(request, "id", ""))),
        status=problem.kind.status,
        content_type=MEDIA_TYPE,
        headers={"Content-Language": language, "Cache-Control": "no-store", **problem.headers},
    )


# --- Which problem an exception is --------------------------------------------------------------


@singledispatch
def problem_of(error: Exception) -> Problem:
    """What an exception is over HTTP. One that nobody foresaw is logged, and shown to nobody."""
    log.error("request_failed", exc_info=error)
    return Problem(
        FAILED,
        Bilingual(
            "Le service a rencontré une erreur inattendue ; elle est consignée.",
            "The service met an unexpected error; it has been logged.",
        ),
    )


@problem_of.register
def _(error: Problem) -> Problem:
    return error


@problem_of.register
def _(error: refusals.InvalidFields) -> Problem:
    count = len(error.errors)
    return Problem(
        FIELDS,
        Bilingual(
            f"Rien n'a été enregistré : {count} champ(s) à corriger.",
            f"Nothing was recorded: {count} field(s) to correct.",
        ),
        errors=error.errors,
    )


@problem_of.register
def _(error: refusals.Refused) -> Problem:
    name = error.kind.label()
    return Problem(
        RULES,
        Bilingual(
            f"« {name.fr} » n'a pas été enregistré : {len(error.findings)} règle(s) s'y opposent.",
            f"“{name.en}” was not recorded: {len(error.findings)} rule(s) stand against it.",
        ),
        findings=error.findings,
    )


@problem_of.register
def _(error: refusals.NotCompetent) -> Problem:
    name, body = error.kind.label(), error.body.label
    competent = sorted(error.kind.taken_by, key=str)
    return Problem(
        NOT_COMPETENT,
        Bilingual(
            f"« {name.fr} » n'est pas de la compétence de cette instance ({body.fr}), mais de : "
            + ", ".join(each.fr for each in competent)
            + ".",
            f"“{name.en}” is not for this body to decide ({body.en}), but for: "
            + ", ".join(each.en for each in competent)
            + ".",
        ),
        more={"body": str(error.body), "competent": [str(each) for each in competent]},
    )


@problem_of.register
def _(error: refusals.MayNotRecordFor) -> Problem:
    role, body = error.role.label, error.body.label
    return Problem(
        NOT_YOURS,
        Bilingual(
            f"Le rôle « {role.fr} » n'enregistre pas les décisions de cette instance ({body.fr}).",
            f"The role “{role.en}” does not record the decisions of this body ({body.en}).",
        ),
        more={"role": str(error.role), "body": str(error.body)},
    )


@problem_of.register
def _(error: refusals.VersionConflict) -> Problem:
    from api.answers import recorded_json  # noqa: PLC0415 - answers know problems

    return Problem(
        MISSED,
        Bilingual(
            f"Le contrat en est à la version {error.current}, non {error.expected}.",
            f"The contract is at version {error.current}, not {error.expected}.",
        ),
        headers={"ETag": f'"{error.current}"'},
        more={
            "version": error.current,
            "missed": [recorded_json(recorded) for recorded in error.missed],
        },
    )


@problem_of.register
def _(error: refusals.ContractExists) -> Problem:
    return Problem(
        EXISTS,
        Bilingual(
            f"Le contrat « {error.contract} » existe déjà.",
            f"The contract “{error.contract}” already exists.",
        ),
        more={"contract": error.contract},
    )


@problem_of.register
def _(error: refusals.UnknownContract) -> Problem:
    return not_found(
        Bilingual(
            "Aucun contrat n'est connu sous cet identifiant.", "No contract is known by this id."
        )
    )


@problem_of.register
def _(error: refusals.UnknownDecisionType) -> Problem:
    return not_found(
        Bilingual("Aucun type de décision ne porte ce nom.", "No decision type has this name.")
    )


@problem_of.register
def _(error: refusals.KeyReused) -> Problem:
    return Problem(
        KEY_REUSED,
        Bilingual(
            "Cette clé d'idempotence a servi à une autre requête.",
            "This idempotency key was used for another request.",
        ),
    )


@problem_of.register(refusals.TryAgain)
@problem_of.register(Busy)
def _(error: Exception) -> Problem:
    return unavailable()


@problem_of.register(psycopg.OperationalError)
@problem_of.register(psycopg.InterfaceError)
@problem_of.register(django.db.OperationalError)
@problem_of.register(django.db.InterfaceError)
@problem_of.register(Indefinite)
def _(error: Exception) -> Problem:
    forget_connection()
    log.warning("database_unavailable", error=type(error).__name__)
    return unavailable()


@problem_of.register(documents.TooLarge)
@problem_of.register(django_errors.RequestDataTooBig)
def _(error: Exception) -> Problem:
    return too_large()


@problem_of.register(django_errors.BadRequest)
@problem_of.register(django_errors.SuspiciousOperation)
@problem_of.register(UnreadablePostError)
@problem_of.register(MultiPartParserError)
@problem_of.register(rest_errors.ParseError)
def _(error: Exception) -> Problem:
    return malformed()


@problem_of.register(Http404)
@problem_of.register(rest_errors.NotFound)
def _(error: Exception) -> Problem:
    return not_found()


@problem_of.register
def _(error: django_errors.PermissionDenied) -> Problem:
    return Problem(
        NOT_YOURS,
        Bilingual("Ceci ne vous est pas permis.", "This is not permitted to you."),
    )


@problem_of.register
def _(error: rest_errors.MethodNotAllowed) -> Problem:
    return method_not_allowed(())


# --- Problems that several places tell ----------------------------------------------------------


def malformed(
    detail: Bilingual = Bilingual(  # noqa: B008 - a constant
        "La requête ne peut pas être lue.", "The request cannot be read."
    ),
) -> Problem:
    return Problem(MALFORMED, detail)


def not_found(
    detail: Bilingual = Bilingual(  # noqa: B008 - a constant
        "Il n'y a rien à cette adresse.", "There is nothing at this address."
    ),
) -> Problem:
    return Problem(NOT_FOUND, detail)


def unavailable() -> Problem:
    return Problem(
        UNAVAILABLE,
        Bilingual(
            "La base de données ne répond pas ; rien n'a été enregistré. Réessayez, avec la même"
            " clé d'idempotence.",
            "The database does not answer; nothing was recorded. Try again, with the same"
            " idempotency key.",
        ),
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def not_ready(missing: Sequence[str], checks: dict[str, str]) -> Problem:
    """Something that answering needs is not there."""
    names = ", ".join(missing)
    return Problem(
        UNAVAILABLE,
        Bilingual(f"N'est pas prêt : {names}.", f"Not ready: {names}."),
        headers={"Retry-After": str(RETRY_AFTER)},
        more={"ready": False, "not_ready": list(missing), "checks": checks},
    )


def too_large(limit: int | None = None) -> Problem:
    more = f" ({limit})" if limit else ""
    return Problem(
        TOO_LARGE,
        Bilingual(
            f"Le corps de la requête dépasse le nombre d'octets admis{more}.",
            f"The body of the request has more bytes than are allowed{more}.",
        ),
    )


def method_not_allowed(allowed: Sequence[str]) -> Problem:
    """RFC 9110 asks that `Allow` names the methods there are."""
    return Problem(
        METHOD,
        Bilingual(
            f"Cette adresse n'admet que : {', '.join(allowed)}.",
            f"This address only allows: {', '.join(allowed)}.",
        ),
        headers={"Allow": ", ".join(allowed)},
    )


def wrong_media_type(wanted: str) -> Problem:
    return Problem(
        MEDIA,
        Bilingual(
            f"Le corps de la requête doit être de type {wanted}.",
            f"The body of the request must be of type {wanted}.",
        ),
        headers={"Accept": wanted},
    )


def unauthenticated(*, wrong_token: bool = False) -> Problem:
    """RFC 6750: a missing token asks for one; a wrong one is named as such."""
    challenge = 'Bearer realm="quartier"'
    if wrong_token:
        return Problem(
            UNAUTHENTICATED,
            Bilingual("Ce jeton n'est pas valable.", "This token is not valid."),
            headers={"WWW-Authenticate": f'{challenge}, error="invalid_token"'},
        )
    return Problem(
        UNAUTHENTICATED,
        Bilingual(
            "Un jeton est requis : « Authorization: Bearer … ».",
            "A token is needed: “Authorization: Bearer …”.",
        ),
        headers={"WWW-Authenticate": challenge},
    )


def not_for_role(role: Role, roles: Sequence[Role]) -> Problem:
    """Somebody asks for what only other roles may."""
    return Problem(
        NOT_YOURS,
        Bilingual(
            f"Le rôle « {role.label.fr} » ne le permet pas ; le peuvent : "
            + ", ".join(each.label.fr for each in roles)
            + ".",
            f"The role “{role.label.en}” does not permit it; these do: "
            + ", ".join(each.label.en for each in roles)
            + ".",
        ),
        more={"role": str(role)},
    )


# --- Where no view was reached ------------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's own refusals: a host that is not allowed, a query that cannot be read."""
    return answer(request, problem_of(exception))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """An address that no route knows."""
    return answer(request, problem_of(exception))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A refusal outside the API's views."""
    return answer(request, problem_of(exception))


def server_error(request: HttpRequest) -> HttpResponse:
    """What went wrong outside the API's views; Django has logged it."""
    import sys  # noqa: PLC0415 - only here

    error = sys.exc_info()[1]
    return answer(request, problem_of(error if isinstance(error, Exception) else Exception()))
