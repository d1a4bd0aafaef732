"""Every way in which a request can go wrong, and the one place that chooses its status code.

An error is answered as RFC 9457 has it, in the reader's language:

    HTTP/1.1 409 Conflict
    Content-Type: application/problem+json

    {"type": "/api/problems/rules", "title": "Des règles s'y opposent", "status": 409,
     "detail": "…", "instance": "urn:request:…", "findings": [{"rule": …, "message": …, …}]}

Code raises what went wrong in its own words; `exception_handler.py` says which problem that is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.http import HttpResponse

from api.http.language import language_of
from api.http.sentences import sentence
from domain.kernel.values import Bilingual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

    from domain.kernel.rule import Finding
    from domain.kernel.values import Language
    from infra.accounts import Role
    from infra.recording.refusals import FieldError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = 2
"""Seconds after which it is worth asking again, where nothing better is known."""

REPAIRED_AFTER: Final = 300
"""Seconds after which to ask again for what an operator has to mend first."""

MISSED_TOLD: Final = 100
"""Of the decisions that a request has missed, those that a 412 tells; the others are by pages."""


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
TIMEOUT: Final = _kind("timeout", HTTPStatus.REQUEST_TIMEOUT, "Délai dépassé", "Request timeout")
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
FAILED: Final = _kind(
    "failed", HTTPStatus.INTERNAL_SERVER_ERROR, "Erreur du service", "The service failed"
)
UNAVAILABLE: Final = _kind(
    "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Momentanément indisponible",
    "Temporarily unavailable",
)
UNREADABLE: Final = _kind(
    "unreadable-event",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Événement illisible",
    "An event cannot be read",
)
DAMAGED: Final = _kind(
    "damaged-log",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Journal endommagé",
    "The log is damaged",
)

KINDS: Final = (
    *(MALFORMED, QUERY, UNAUTHENTICATED, NOT_YOURS, NOT_COMPETENT, NOT_FOUND, METHOD, TIMEOUT),
    *(RULES, EXISTS, MISSED, TOO_LARGE, MEDIA, FIELDS, KEY_REUSED, FAILED, UNAVAILABLE),
    *(UNREADABLE, DAMAGED),
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


# --- Problems that several places tell ----------------------------------------------------------


def malformed(
    detail: Bilingual = Bilingual(  # noqa: B008 - a constant
        "La requête ne peut pas être lue.", "The request cannot be read."
    ),
) -> Problem:
    """What was sent is not what it says it is."""
    return Problem(MALFORMED, detail)


def not_found(
    detail: Bilingual = Bilingual(  # noqa: B008 - a constant
        "Il n'y a rien à cette adresse.", "There is nothing at this address."
    ),
) -> Problem:
    """Neither an address nor a thing of that name."""
    return Problem(NOT_FOUND, detail)


def unavailable() -> Problem:
    """The database does not answer."""
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


def needs_operator(kind: Kind, detail: Bilingual, **more: Any) -> Problem:
    """What is stored cannot be answered from until an operator has seen to it."""
    return Problem(kind, detail, headers={"Retry-After": str(REPAIRED_AFTER)}, more=more)


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
    """The body has more than `limit` bytes."""
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
    """The body is of another media type than the one that is read here."""
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
