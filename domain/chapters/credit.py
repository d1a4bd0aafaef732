"""Credits of the municipal council: requested, voted, contested, enforceable (§2, §4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict

from domain.kernel.act import Act, Body
from domain.kernel.days import Day
from domain.kernel.decision import Decision
from domain.kernel.life_cycle import WINDING_UP
from domain.kernel.rule import Rule
from domain.kernel.values import ActionId, Amount, Citation, Term, Text
from domain.rules.chronology import NotYetHappened, has_happened
from domain.rules.following import ActionHasEnded
from domain.rules.money import (
    AmountNotPositive,
    NetAboveGross,
    PublishedBeforeVoted,
    is_gross_and_net,
)
from domain.rules.references import Reference, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

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


class CreditRequested(Decision, taken_by={Body.ADMINISTRATIVE_COUNCIL}, basis="4.3", money=True):
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
        if (route := contract.route(self.action)) is not None:
            route.credit = "requested"
            route.requested_on = act.decided_on


def _awaits_vote(
    contract: Contract, act: Act, action: ActionId
) -> Iterator[Reference | NoCreditRequested]:
    yield from refers(contract, act, "actions", action)
    route = contract.route(action)
    if route is None or route.credit != "requested" or not act.follows(route.requested_on):
        yield NoCreditRequested(action=action)


class CreditVoted(Decision, taken_by=VOTES, basis="2", money=True):
    """The municipal council grants the credit, by deliberation."""

    fr = "Crédit voté"
    standings = WINDING_UP

    action: ActionId
    deliberation: Citation
    instrument: Instrument = Instrument.DELIBERATION
    gross: Amount
    net: Amount
    votes: Vote | None = None
    published_on: Day | None = None
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
        | NotYetHappened
    ]:
        yield from _awaits_vote(contract, act, self.action)
        yield from is_gross_and_net(self.gross, self.net)
        if self.instrument is not Instrument.DELIBERATION:
            yield NotADeliberation(instrument=self.instrument)
        if self.published_on is not None and self.published_on < act.decided_on:
            yield PublishedBeforeVoted(published_on=self.published_on, decided_on=act.decided_on)
        # Published after the vote: by the day this is recorded, not by that of the decision.
        yield from has_happened("published_on", self.published_on, act.today)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := contract.route(self.action)) is not None:
            route.credit = "voted"
            route.voted_on = act.decided_on
            route.voted = self.gross
            route.urgent = self.urgent
            route.published_on = self.published_on
            route.contested_on = None


class CreditRefused(Decision, taken_by=VOTES, basis="2", money=True):
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
        if (route := contract.route(self.action)) is not None:
            route.credit = "refused"
