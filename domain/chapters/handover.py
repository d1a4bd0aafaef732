"""Handing over to a relay what goes on in the long term (§4.4, §4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.kernel.act import Act, Body
from domain.kernel.contract import Handover
from domain.kernel.days import Day
from domain.kernel.decision import Decision
from domain.kernel.life_cycle import WINDING_UP
from domain.kernel.rule import Rule
from domain.kernel.values import ActionId, PersonId, ServiceId, Text
from domain.rules.chronology import DECISION, BeforeItsCause, not_before
from domain.rules.following import DIRECTING, FOLLOWING, ActionHasEnded, NotForFollowUp, followed
from domain.rules.references import Reference, UnknownService, is_service, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract


class NoRelayNamed(Rule, basis="4.5"):
    """A handover names who takes over: a service or a relay structure, not both."""

    fr = "La remise doit nommer un service ou une structure relais, et un seul des deux."
    en = "The handover must name a service or a relay structure, and only one of them."


class HandoverPending(Rule, basis="4.4"):
    """A handover is proposed to one relay at a time."""

    fr = "Une remise de l'action « {action} » est déjà proposée ou acceptée."
    en = "A handover of the action “{action}” is already proposed or accepted."


class NoHandoverProposed(Rule, basis="4.4"):
    """A relay answers what was proposed to it, once."""

    fr = "Aucune remise de l'action « {action} » n'attend de réponse."
    en = "No handover of the action “{action}” awaits an answer."


class HandoverProposed(Decision, taken_by=FOLLOWING | DIRECTING, basis="4.4"):
    """A relay is asked to take over what goes on in the long term."""

    fr = "Remise à un relais proposée"

    action: ActionId
    service: ServiceId | None = None
    relay: PersonId | None = None
    what_goes_on: Text
    starts_on: Day

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | NotForFollowUp
        | UnknownService
        | NoRelayNamed
        | HandoverPending
        | BeforeItsCause
    ]:
        yield from not_before("starts_on", self.starts_on, DECISION, act.decided_on)
        for found in followed(contract, act, self.action):
            if not isinstance(found, ActionHasEnded):
                yield found
        if (self.service is None) == (self.relay is None):
            yield NoRelayNamed()
        if self.service is not None:
            yield from is_service(act, self.service)
        action = contract.actions.get(self.action)
        if action is not None and action.handover and action.handover.answer != "declined":
            yield HandoverPending(action=self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.actions[self.action].handover = Handover(
            relay=self.relay, service=self.service, proposed_on=act.decided_on
        )


class _HandoverAnswered(Decision):
    standings = WINDING_UP

    action: ActionId

    def judge(self, contract: Contract, act: Act) -> Iterator[Reference | NoHandoverProposed]:
        yield from refers(contract, act, "actions", self.action)
        action = contract.actions.get(self.action)
        if action is None:
            return
        handover = action.handover
        pending = handover is not None and handover.answer is None
        if not (handover and pending and act.follows(handover.proposed_on)):
            yield NoHandoverProposed(action=self.action)


class HandoverAccepted(_HandoverAnswered, taken_by={Body.RELAY, Body.SERVICE}, basis="4.5"):
    """The relay takes over, in the spirit of participation and openness of the contract."""

    fr = "Remise acceptée par le relais"

    remarks: Text | None = None

    def apply(self, contract: Contract, act: Act) -> None:
        if (handover := contract.actions[self.action].handover) is not None:
            handover.answer = "accepted"


class HandoverDeclined(_HandoverAnswered, taken_by={Body.RELAY, Body.SERVICE}, basis="4.5"):
    """The relay does not take over, and says why."""

    fr = "Remise déclinée par le relais"

    reason: Text

    def apply(self, contract: Contract, act: Act) -> None:
        if (handover := contract.actions[self.action].handover) is not None:
            handover.answer = "declined"
