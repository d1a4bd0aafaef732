"""Rules about naming things: what a decision refers to must be there, and be there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from domain.kernel.rule import Rule
from domain.kernel.values import Bilingual

if TYPE_CHECKING:
    from domain.kernel.act import Act
    from domain.kernel.contract import Contract

PLENARY = Bilingual("la conférence de quartier", "the plenary")
GROUP = Bilingual("le groupe de travail", "the working group")
NEED = Bilingual("le besoin", "the need")
ACTION = Bilingual("l'action", "the action")
ROADMAP = Bilingual("la feuille de route", "the roadmap")
MILESTONE = Bilingual("le jalon", "the milestone")


class Unknown(Rule, basis="4"):
    """A decision refers only to what the contract knows."""

    fr = "Le contrat ne connaît pas {kind} « {id} »."
    en = "The contract does not know {kind} “{id}”."


class AlreadyKnown(Rule, basis="4"):
    """An identifier names one thing in a contract, once."""

    fr = "Le contrat connaît déjà {kind} « {id} »."
    en = "The contract already knows {kind} “{id}”."


class DatedBeforeItsSubject(Rule, basis="4"):
    """What a decision is about was there on the day it was decided."""

    fr = "La décision est datée du {decided_on}, avant {kind} « {id} » ({since})."
    en = "The decision is dated {decided_on}, before {kind} “{id}” ({since})."


_BEGAN = {
    "plenaries": (PLENARY, "convened_on"),
    "groups": (GROUP, "formed_on"),
    "needs": (NEED, "expressed_on"),
    "actions": (ACTION, "proposed_on"),
    "roadmaps": (ROADMAP, "drafted_on"),
}

Reference = Unknown | DatedBeforeItsSubject


def refers(contract: Contract, act: Act, book: str, *ids: Any) -> Iterator[Reference]:
    """Find references to things of `contract.<book>` that are unknown, or began after the act."""
    kind, began = _BEGAN[book]
    known: Mapping[Any, Any] = getattr(contract, book)
    for each in ids:
        if each not in known:
            yield Unknown(kind=kind, id=str(each))
            continue
        yield from is_there(act, kind, str(each), getattr(known[each], began))


def is_there(act: Act, kind: Bilingual, each: str, since: date) -> Iterator[DatedBeforeItsSubject]:
    """Find a thing that began after the act."""
    if act.decided_on < since:
        yield DatedBeforeItsSubject(kind=kind, id=each, since=since, decided_on=act.decided_on)


def is_new(contract: Contract, book: str, each: Any) -> Iterator[AlreadyKnown]:
    """Find an identifier that is taken."""
    if each in getattr(contract, book):
        yield AlreadyKnown(kind=_BEGAN[book][0], id=str(each))


# --- Reference data -----------------------------------------------------------------------------


class UnknownDepartment(Rule, basis="2"):
    """The City has five departments; they are reference data."""

    fr = "« {department} » n'est pas l'un des départements : {known}."
    en = "“{department}” is not one of the departments: {known}."


class UnknownService(Rule, basis="2"):
    """Municipal services, and the department each belongs to, are reference data."""

    fr = "« {service} » n'est pas un service municipal connu."
    en = "“{service}” is not a known municipal service."


class ServiceOfAnotherDepartment(Rule, basis="2"):
    """A service belongs to one department."""

    fr = "Le service « {service} » relève du département « {department} »."
    en = "The service “{service}” belongs to the department “{department}”."


class UnknownTheme(Rule, basis="3.3"):
    """Themes are reference data."""

    fr = "« {theme} » n'est pas un thème connu."
    en = "“{theme}” is not a known theme."


def departments(act: Act) -> tuple[str, ...]:
    """The departments there are, by id."""
    return tuple(department.id for department in act.reference.departments)


def is_theme(act: Act, theme: str) -> Iterator[UnknownTheme]:
    """Find a theme that is not in the reference data."""
    if all(known.id != theme for known in act.reference.themes):
        yield UnknownTheme(theme=theme)


def is_service(act: Act, service: str) -> Iterator[UnknownService]:
    """Find a service that is not in the reference data."""
    if act.reference.service(service) is None:
        yield UnknownService(service=service)
