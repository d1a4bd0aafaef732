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
from domain.following import ActionHasEnded
from domain.money import AmountNotPositive, NetAboveGross, is_gross_and_net
from domain.reference import Delay
from domain.references import Reference, refers
from domain.rule import Rule
from domain.standing import WINDING_UP
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


class PublishedAlready(Rule, basis="Cst-GE 77"):
    """A deliberation is published once."""

    fr = "La délibération a déjà été publiée, le {published_on}."
    en = "The deliberation has already been published, on {published_on}."


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


class NoReferendumDelayKnown(Rule, basis="Cst-GE 77"):
    """The referendum delay is dated reference data; without it nobody can say that it has run."""

    fr = "Le délai référendaire en vigueur le {published_on} manque aux données de référence."
    en = "The referendum delay in force on {published_on} is missing from the reference data."


class VotersHaveNotAccepted(Rule, basis="Cst-GE 77"):
    """A contested credit becomes enforceable once the voters have accepted it."""

    fr = (
        "Le crédit est contesté : il faut la date de son acceptation en votation populaire, avant "
        "qu'il ne devienne exécutoire."
    )
    en = (
        "The credit is contested: the date of its acceptance by popular vote is needed, before it "
        "becomes enforceable."
    )


class NotContested(Rule, basis="Cst-GE 77"):
    """Voters answer only what was contested."""

    fr = "Le crédit pour l'action « {action} » n'est pas contesté."
    en = "The credit for the action “{action}” is not contested."


def _route(contract: Contract, action: ActionId) -> Route | None:
    known = contract.actions.get(action)
    return known.route if known else None


def _delay_ends(delay: Delay, published_on: dt.date) -> dt.date:
    """The last day on which a referendum can be requested."""
    return published_on + dt.timedelta(days=delay.days)


class CreditRequested(Decision, taken_by={Body.ADMINISTRATIVE_COUNCIL}, basis="4.3"):
    """The council asks the municipal council for a credit."""

    fr = "Crédit demandé"

    action: ActionId
    proposal: Citation
    gross: Amount
    net: Amount

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | NotByCredit
        | CreditInCourse
        | ActionHasEnded
        | AmountNotPositive
        | NetAboveGross
    ]:
        yield from refers(contract, act, "actions", self.action)
        yield from is_gross_and_net(self.gross, self.net)
        action = contract.actions.get(self.action)
        if action is not None and action.ended == "abandoned":
            yield ActionHasEnded(action=self.action)
        route = action.route if action else None
        if route is None or route.kind != "municipal_credit" or not act.follows(route.chosen_on):
            yield NotByCredit(action=self.action)
        elif route.credit not in {None, "refused"}:
            yield CreditInCourse(action=self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "requested"
            route.requested_on = act.decided_on


def _awaits_vote(
    contract: Contract, act: Act, action: ActionId
) -> Iterator[Reference | NoCreditRequested]:
    yield from refers(contract, act, "actions", action)
    route = _route(contract, action)
    if route is None or route.credit != "requested" or not act.follows(route.requested_on):
        yield NoCreditRequested(action=action)


class CreditVoted(Decision, taken_by=VOTES, basis="2"):
    """The municipal council grants the credit, by deliberation."""

    fr = "Crédit voté"
    standings = WINDING_UP

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
            route.voted_on = act.decided_on
            route.voted = self.gross
            route.urgent = self.urgent
            route.published_on = self.published_on
            route.contested = False


class CreditRefused(Decision, taken_by=VOTES, basis="2"):
    """The municipal council refuses the credit."""

    fr = "Crédit refusé"
    standings = WINDING_UP

    action: ActionId
    reference: Citation
    votes: Vote | None = None
    reason: Text | None = None

    def judge(self, contract: Contract, act: Act) -> Iterator[Reference | NoCreditRequested]:
        yield from _awaits_vote(contract, act, self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "refused"


def _voted(contract: Contract, act: Act, action: ActionId) -> Route | None:
    """The route whose credit was voted by then and has not yet become enforceable."""
    route = _route(contract, action)
    if route is None or route.credit != "voted" or not act.follows(route.voted_on):
        return None
    return route


def _awaits_force(
    contract: Contract, act: Act, action: ActionId
) -> Iterator[Reference | NoCreditVoted]:
    yield from refers(contract, act, "actions", action)
    if _voted(contract, act, action) is None:
        yield NoCreditVoted(action=action)


class CreditPublished(Decision, taken_by=VOTES, basis="Cst-GE 77"):
    """The deliberation is published, which starts the referendum delay."""

    fr = "Délibération publiée"
    standings = WINDING_UP

    action: ActionId
    published_on: dt.date
    reference: Citation | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NoCreditVoted | PublishedAlready | PublishedBeforeVoted]:
        yield from _awaits_force(contract, act, self.action)
        route = _voted(contract, act, self.action)
        if route is None or route.voted_on is None:
            return
        if route.published_on is not None:
            yield PublishedAlready(published_on=route.published_on)
        if self.published_on < route.voted_on:
            yield PublishedBeforeVoted(published_on=self.published_on, decided_on=route.voted_on)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.published_on = self.published_on


class CreditContested(Decision, taken_by=VOTES, basis="Cst-GE 77"):
    """A referendum is requested against the deliberation."""

    fr = "Crédit contesté par référendum"
    standings = WINDING_UP

    action: ActionId
    reference: Citation | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NoCreditVoted | NotOpenToReferendum | ContestedTooLate]:
        yield from _awaits_force(contract, act, self.action)
        route = _voted(contract, act, self.action)
        if route is None:
            return
        if route.urgent:
            yield NotOpenToReferendum(action=self.action)
        if route.published_on is None:
            return
        delay = act.reference.referendum_delay(route.published_on)
        if delay is not None and act.decided_on > (until := _delay_ends(delay, route.published_on)):
            yield ContestedTooLate(until=until)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.contested = True


class CreditBecameEnforceable(Decision, taken_by=VOTES, basis="Cst-GE 77"):
    """The credit can be used: the delay has run, or the voters have accepted it."""

    fr = "Crédit devenu exécutoire"
    standings = WINDING_UP

    action: ActionId
    enforceable_on: dt.date
    accepted_by_voters_on: dt.date | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | NoCreditVoted
        | NotPublished
        | NoReferendumDelayKnown
        | ReferendumDelayRunning
        | VotersHaveNotAccepted
        | NotContested
    ]:
        yield from _awaits_force(contract, act, self.action)
        route = _voted(contract, act, self.action)
        if route is None or route.voted_on is None:
            return
        in_force_on = min(self.enforceable_on, act.decided_on)
        if in_force_on < route.voted_on:
            yield NoCreditVoted(action=self.action)
        accepted_on = self.accepted_by_voters_on
        if route.contested and (accepted_on is None or accepted_on > in_force_on):
            yield VotersHaveNotAccepted()
        if not route.contested and accepted_on is not None:
            yield NotContested(action=self.action)
        if not route.urgent:
            yield from self._delay(act, route.published_on, in_force_on)

    @staticmethod
    def _delay(
        act: Act, published_on: dt.date | None, in_force_on: dt.date
    ) -> Iterator[NotPublished | NoReferendumDelayKnown | ReferendumDelayRunning]:
        if published_on is None:
            yield NotPublished()
            return
        delay = act.reference.referendum_delay(published_on)
        if delay is None:
            yield NoReferendumDelayKnown(published_on=published_on)
        elif in_force_on <= (until := _delay_ends(delay, published_on)):
            yield ReferendumDelayRunning(until=until, days=delay.days, published_on=published_on)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "enforceable"
            route.granted = route.voted
            route.granted_on = act.decided_on


class CreditOverturned(Decision, taken_by=VOTES, basis="Cst-GE 77"):
    """The voters reject a contested credit."""

    fr = "Crédit refusé en votation populaire"
    standings = WINDING_UP

    action: ActionId
    voted_on: dt.date

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NoCreditVoted | NotContested]:
        yield from _awaits_force(contract, act, self.action)
        route = _voted(contract, act, self.action)
        if route is not None and not route.contested:
            yield NotContested(action=self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := _route(contract, self.action)) is not None:
            route.credit = "refused"
