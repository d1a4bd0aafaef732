"""Which problem an exception is, whoever raised it: the domain, the store, Django, a driver."""

from __future__ import annotations

import sys
from functools import singledispatch
from typing import TYPE_CHECKING

import django.db
import psycopg
import structlog
from django.core import exceptions as django_errors
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as rest_errors

from api.http.problems import (
    DAMAGED,
    EXISTS,
    FAILED,
    FIELDS,
    KEY_REUSED,
    MISSED,
    MISSED_TOLD,
    NOT_COMPETENT,
    NOT_YOURS,
    RETRY_AFTER,
    RULES,
    TIMEOUT,
    UNAVAILABLE,
    UNREADABLE,
    Problem,
    answer,
    malformed,
    method_not_allowed,
    needs_operator,
    not_found,
    too_large,
    unavailable,
)
from api.http.responses import address, recorded_json
from domain.kernel.payload import UnreadableEvent
from domain.kernel.values import Bilingual
from infra.database.connection import forget_connection
from infra.eventstore.append import Busy, Indefinite
from infra.log.notes import NoteError
from infra.log.tiles import NotStored
from infra.recording import documents, refusals
from infra.web import request_body

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

log = structlog.get_logger(__name__)


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
    told = error.missed[:MISSED_TOLD]
    history = f"/api/v1/contracts/{error.contract}/history"
    rest = len(error.missed) > len(told)
    return Problem(
        MISSED,
        Bilingual(
            f"Le contrat en est à la version {error.current}, non {error.expected}.",
            f"The contract is at version {error.current}, not {error.expected}.",
        ),
        headers={"ETag": f'"{error.current}"'},
        more={
            "version": error.current,
            "missed": [recorded_json(recorded) for recorded in told],
            "next": address(f"{history}?after={told[-1].version}") if rest else None,
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


@problem_of.register
def _(error: UnreadableEvent) -> Problem:
    log.error("event_unreadable", position=error.position, error=error.reason)
    event = {name: getattr(error, name) for name in ("position", "contract", "version", "type")}
    return needs_operator(
        UNREADABLE,
        Bilingual(
            f"L'événement {error.position}, du contrat « {error.contract} », ne peut pas être lu"
            " par ce programme ; l'exploitant du service doit intervenir. Les autres contrats n'en"
            " sont pas touchés.",
            f"Event {error.position}, of the contract “{error.contract}”, cannot be read by this"
            " program; the service's operator must see to it. Other contracts are not affected.",
        ),
        event={**event, "reason": error.reason},
    )


@problem_of.register(NotStored)
@problem_of.register(NoteError)
def _(error: Exception) -> Problem:
    log.critical("log_damaged", error=str(error))
    return needs_operator(
        DAMAGED,
        Bilingual(
            "Le journal scellé n'est pas tel qu'il a été écrit ; l'exploitant du service doit"
            f" intervenir ({error}).",
            "The sealed log is not as it was written; the service's operator must see to it"
            f" ({error}).",
        ),
    )


@problem_of.register
def _(error: request_body.BodyTimeout) -> Problem:
    return Problem(
        TIMEOUT,
        Bilingual(
            "Le corps de la requête n'est pas arrivé à temps ; rien n'a été enregistré.",
            "The body of the request did not come in time; nothing was recorded.",
        ),
    )


@problem_of.register
def _(error: request_body.TooManyBodies) -> Problem:
    return Problem(
        UNAVAILABLE,
        Bilingual(
            "Trop d'envois volumineux sont en cours. Revenez dans un moment.",
            "Too many large uploads are under way. Come again in a moment.",
        ),
        headers={"Retry-After": str(RETRY_AFTER)},
    )


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
    error = sys.exc_info()[1]
    return answer(request, problem_of(error if isinstance(error, Exception) else Exception()))
