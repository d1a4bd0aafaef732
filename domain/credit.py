"""Credits of the municipal council: requested, voted, contested, enforceable (§2, §4.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict

from domain.act import Act, Body
from domain.contract import Route
from domain.decision import Decision
from domain.money import AmountNotPositive, NetAboveGross, is_gross_and_net
from domain.references import Reference, refers
from domain.rule import Rule
from domain.values import ActionId, Amount, Citation, Term, Text

if TYPE_CHECKING:
    from domain.contract import Contract

VOTES = {Body.MUNICIPAL_COUNCIL}
Ballots = Annotated[int, Ge(0), Le(100)]


class Instrument(Term):
    """What the municipal council votes by. Only a deliberation grants money."""

    DELIBERATION = "deliberation", "délibération", "deliberation"
    MOTION = "motion", "motion", "motion"
    RESOLUTION = "resolution", "résolution", "resolution"


class Vote(BaseModel):
    """How the municipal council voted: numbers of ballots."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    yes: Ballots
    no: Ballots
    abstentions: Ballots = 0


class NotByCredit(Rule, basis="4.3"):
    """A credit is requested where the council has chosen that route."""

    fr = "L'action « {action} » n'est pas financée par un crédit du Conseil municipal."
    en = "The action “{action}” is not funded by a municipal credit."


class CreditInCourse(Rule, basis="4.3"):
    """A credit is requested once; after a refusal it may be requested again."""

    fr = "Un crédit pour l'action « {action} » est déjà demandé ou voté."
    en = "A credit for the action “{action}” is already requested or voted."


class NoCreditRequested(Rule, basis="4.3"):
    """The municipal council answers a request."""

    fr = "Aucun crédit n'est en attente de vote pour l'action « {action} »."
    en = "No credit awaits a vote for the action “{action}”."


class NotADeliberation(Rule, basis="4.3"):
    """A motion or a resolution cannot grant a credit."""

    fr = "Un crédit se vote par délibération, non par {instrument}."
    en = "A credit is voted by deliberation, not by {instrument}."


class PublishedBeforeVoted(Rule, basis="4.3"):
    """A deliberation is published once it is voted."""

    fr = "La publication ({published_on}) précède le vote ({decided_on})."
    en = "Publication ({published_on}) precedes the vote ({decided_on})."


class NoCreditVoted(Rule, basis="4.3"):
    """Only a voted credit, not yet enforceable, can be contested or become enforceable."""

    fr = "Aucun crédit voté n'attend de devenir exécutoire pour l'action « {action} »."
    en = "No voted credit awaits becoming enforceable for the action “{action}”."


class NotOpenToReferendum(Rule, basis="Cst-GE 77"):
    """A deliberation with the urgency clause is not open to referendum."""

    fr = "La délibération sur l'action « {action} » est munie de la clause d'urgence."
    en = "The deliberation on the action “{action}” carries the urgency clause."


class ContestedTooLate(Rule, basis="Cst-GE 77"):
    """A referendum is requested within the delay that runs from publication."""

    fr = "Le délai référendaire a couru jusqu'au {until}."
    en = "The referendum delay ran until {until}."


class ReferendumDelayRunning(Rule, basis="Cst-GE 77"):
    """A credit is enforceable once the referendum delay has run."""

    fr = "Le délai référendaire court jusqu'au {until} ({days} jours dès le {published_on})."
    en = "The referendum delay runs until {until} ({days} days from {published_on})."


class NotPublished(Rule, basis="Cst-GE 77"):
    """The referendum delay runs from a publication."""

    fr = "La délibération n'a pas de date de publication : le délai référendaire ne court pas."
    en = "The deliberation has no date of publication: the referendum delay does not run."


class VotersHaveNotAccepted(Rule, basis="Cst-GE 77"):
    """A contested credit becomes enforceable if the voters accept it."""

    fr = "Le crédit est contesté : la date de l'acceptation en votation populaire est requise."
    en = "The credit is contested: the date of its acceptance by popular vote is needed."


class NotContested(Rule, basis="Cst-GE 77"):
    """Voters answer only what was contested."""

    fr = "Le crédit pour l'action « {action} » n'est pas contesté."
    en = "The credit for the action “{action}” is not contested."


def _route(contract: Contract, action: ActionId) -> Route | None:
    known = contract.actions.get(action)
    return known.route if known else None


def _delay_ends(act: Act, published_on: dt.date) -> tuple[dt.date, int]:
    """The last day on which a referendum can be requested, and the days of the delay."""
    delay = act.reference.referendum_delay(published_on)
    days = delay.days if delay else 0
    return published_on + dt.timedelta(days=days), days


class CreditRequested(Decision, taken_by={Body.ADMINISTRATIVE_COUNCIL}, basis="4.3"):
    """The council asks the municipal council for a credit."""

    fr = "Crédit demandé"

    action: ActionId
    proposal: Citation
    gross: Amount
    net: Amount

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotByCredit | CreditInCourse | AmountNotPositive | NetAboveGross]:
        yield from refers(contract, act, "actions", self.action)
        yield from is_gross_and_net(self.gross, self.net)
        route = _route(contract, self.action)
        if route is None or route.kind != "municipal_credit":
            yield NotByCredit(action=self.action)
        elif route.credit not in {None, "refused"}:
            yield CreditInCourse(action=self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "requested"
            route.requested = self.gross


def _awaits_vote(
    contract: Contract, act: Act, action: ActionId
) -> Iterator[Reference | NoCreditRequested]:
    yield from refers(contract, act, "actions", action)
    route = _route(contract, action)
    if route is None or route.credit != "requested":
        yield NoCreditRequested(action=action)


class CreditVoted(Decision, taken_by=VOTES, basis="2"):
    """The municipal council grants the credit, by deliberation."""

    fr = "Crédit voté"

    action: ActionId
    deliberation: Citation
    instrument: Instrument = Instrument.DELIBERATION
    gross: Amount
    net: Amount
    votes: Vote | None = None
    published_on: dt.date | None = None
    urgent: bool = False

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | NoCreditRequested
        | NotADeliberation
        | AmountNotPositive
        | NetAboveGross
        | PublishedBeforeVoted
    ]:
        yield from _awaits_vote(contract, act, self.action)
        yield from is_gross_and_net(self.gross, self.net)
        if self.instrument is not Instrument.DELIBERATION:
            yield NotADeliberation(instrument=self.instrument)
        if self.published_on is not None and self.published_on < act.decided_on:
            yield PublishedBeforeVoted(published_on=self.published_on, decided_on=act.decided_on)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "voted"
            route.voted = self.gross
            route.net = self.net
            route.urgent = self.urgent
            route.published_on = self.published_on
            route.contested = False


class CreditRefused(Decision, taken_by=VOTES, basis="2"):
    """The municipal council refuses the credit."""

    fr = "Crédit refusé"

    action: ActionId
    reference: Citation
    votes: Vote | None = None
    reason: Text | None = None

    def judge(self, contract: Contract, act: Act) -> Iterator[Reference | NoCreditRequested]:
        yield from _awaits_vote(contract, act, self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "refused"


def _awaits_force(
    contract: Contract, act: Act, action: ActionId
) -> Iterator[Reference | NoCreditVoted]:
    yield from refers(contract, act, "actions", action)
    route = _route(contract, action)
    if route is None or route.credit != "voted":
        yield NoCreditVoted(action=action)


class CreditContested(Decision, taken_by=VOTES, basis="Cst-GE 77"):
    """A referendum is requested against the deliberation."""

    fr = "Crédit contesté par référendum"

    action: ActionId
    reference: Citation | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NoCreditVoted | NotOpenToReferendum | ContestedTooLate]:
        yield from _awaits_force(contract, act, self.action)
        route = _route(contract, self.action)
        if route is None or route.credit != "voted":
            return
        if route.urgent:
            yield NotOpenToReferendum(action=self.action)
        if route.published_on is not None:
            until, _ = _delay_ends(act, route.published_on)
            if act.decided_on > until:
                yield ContestedTooLate(until=until)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.contested = True


class CreditBecameEnforceable(Decision, taken_by=VOTES, basis="Cst-GE 77"):
    """The credit can be used: the delay has run, or the voters have accepted it."""

    fr = "Crédit devenu exécutoire"

    action: ActionId
    enforceable_on: dt.date
    accepted_by_voters_on: dt.date | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | NoCreditVoted
        | NotPublished
        | ReferendumDelayRunning
        | VotersHaveNotAccepted
        | NotContested
    ]:
        yield from _awaits_force(contract, act, self.action)
        route = _route(contract, self.action)
        if route is None or route.credit != "voted":
            return
        if route.contested and self.accepted_by_voters_on is None:
            yield VotersHaveNotAccepted()
        if not route.contested and self.accepted_by_voters_on is not None:
            yield NotContested(action=self.action)
        if route.urgent:
            return
        if route.published_on is None:
            yield NotPublished()
            return
        until, days = _delay_ends(act, route.published_on)
        if min(self.enforceable_on, act.decided_on) <= until:
            yield ReferendumDelayRunning(until=until, days=days, published_on=route.published_on)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "enforceable"
            route.granted = route.voted


class CreditOverturned(Decision, taken_by=VOTES, basis="Cst-GE 77"):
    """The voters reject a contested credit."""

    fr = "Crédit refusé en votation populaire"

    action: ActionId
    voted_on: dt.date

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NoCreditVoted | NotContested]:
        yield from _awaits_force(contract, act, self.action)
        route = _route(contract, self.action)
        if route is not None and not route.contested:
            yield NotContested(action=self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "refused"
