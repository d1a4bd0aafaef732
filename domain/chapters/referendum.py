"""When a voted credit can be used: publication, referendum, popular vote (Cst-GE 77).

The referendum delay is dated reference data: the delay in force on the day of publication.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.kernel.act import Act, Body
from domain.kernel.contract import Route
from domain.kernel.days import Day, days_after
from domain.kernel.decision import Decision
from domain.kernel.life_cycle import WINDING_UP
from domain.kernel.reference import Delay
from domain.kernel.rule import Rule
from domain.kernel.values import ActionId, Citation
from domain.rules.chronology import (
    CONTEST,
    PUBLICATION,
    BeforeItsCause,
    NotYetHappened,
    has_happened,
    not_before,
)
from domain.rules.money import PublishedBeforeVoted
from domain.rules.references import Reference, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

VOTES = {Body.MUNICIPAL_COUNCIL}


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


def _delay_ends(delay: Delay, published_on: dt.date) -> dt.date:
    """The last day on which a referendum can be requested."""
    return days_after(published_on, delay.days)


def _voted(contract: Contract, act: Act, action: ActionId) -> Route | None:
    """The route whose credit was voted by then and has not yet become enforceable."""
    route = contract.route(action)
    if route is None or route.credit != "voted" or not act.follows(route.voted_on):
        return None
    return route


def _awaits_force(
    contract: Contract, act: Act, action: ActionId
) -> Iterator[Reference | NoCreditVoted]:
    yield from refers(contract, act, "actions", action)
    if _voted(contract, act, action) is None:
        yield NoCreditVoted(action=action)


class CreditPublished(Decision, taken_by=VOTES, basis="Cst-GE 77", money=True):
    """The deliberation is published, which starts the referendum delay."""

    fr = "Délibération publiée"
    standings = WINDING_UP

    action: ActionId
    published_on: Day
    reference: Citation | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference | NoCreditVoted | PublishedAlready | PublishedBeforeVoted | NotYetHappened
    ]:
        yield from _awaits_force(contract, act, self.action)
        yield from has_happened("published_on", self.published_on, act.decided_on)
        route = _voted(contract, act, self.action)
        if route is None or route.voted_on is None:
            return
        if route.published_on is not None:
            yield PublishedAlready(published_on=route.published_on)
        if self.published_on < route.voted_on:
            yield PublishedBeforeVoted(published_on=self.published_on, decided_on=route.voted_on)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := contract.route(self.action)) is not None:
            route.published_on = self.published_on


class CreditContested(Decision, taken_by=VOTES, basis="Cst-GE 77", money=True):
    """A referendum is requested against the deliberation."""

    fr = "Crédit contesté par référendum"
    standings = WINDING_UP

    action: ActionId
    reference: Citation | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference | NoCreditVoted | NotOpenToReferendum | BeforeItsCause | ContestedTooLate
    ]:
        yield from _awaits_force(contract, act, self.action)
        route = _voted(contract, act, self.action)
        if route is None:
            return
        if route.urgent:
            yield NotOpenToReferendum(action=self.action)
        if route.published_on is None:
            return
        yield from not_before("decided_on", act.decided_on, PUBLICATION, route.published_on)
        delay = act.reference.referendum_delay(route.published_on)
        if delay is not None and act.decided_on > (until := _delay_ends(delay, route.published_on)):
            yield ContestedTooLate(until=until)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := contract.route(self.action)) is not None:
            route.contested_on = act.decided_on


class CreditBecameEnforceable(Decision, taken_by=VOTES, basis="Cst-GE 77", money=True):
    """The credit can be used: the delay has run, or the voters have accepted it."""

    fr = "Crédit devenu exécutoire"
    standings = WINDING_UP

    action: ActionId
    enforceable_on: Day
    accepted_by_voters_on: Day | None = None

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
        | NotYetHappened
        | BeforeItsCause
    ]:
        yield from _awaits_force(contract, act, self.action)
        yield from has_happened("enforceable_on", self.enforceable_on, act.decided_on)
        route = _voted(contract, act, self.action)
        if route is None or route.voted_on is None:
            return
        in_force_on = min(self.enforceable_on, act.decided_on)
        if in_force_on < route.voted_on:
            yield NoCreditVoted(action=self.action)
        accepted_on = self.accepted_by_voters_on
        if route.contested and (accepted_on is None or accepted_on > in_force_on):
            yield VotersHaveNotAccepted()
        yield from not_before("accepted_by_voters_on", accepted_on, CONTEST, route.contested_on)
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
        if (route := contract.route(self.action)) is not None:
            route.credit = "enforceable"
            route.granted = route.voted
            route.granted_on = act.decided_on


class CreditOverturned(Decision, taken_by=VOTES, basis="Cst-GE 77", money=True):
    """The voters reject a contested credit."""

    fr = "Crédit refusé en votation populaire"
    standings = WINDING_UP

    action: ActionId
    voted_on: Day

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NoCreditVoted | NotContested | NotYetHappened | BeforeItsCause]:
        yield from _awaits_force(contract, act, self.action)
        yield from has_happened("voted_on", self.voted_on, act.decided_on)
        route = _voted(contract, act, self.action)
        if route is None:
            return
        if not route.contested:
            yield NotContested(action=self.action)
        yield from not_before("voted_on", self.voted_on, CONTEST, route.contested_on)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := contract.route(self.action)) is not None:
            route.credit = "refused"
