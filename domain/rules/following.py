"""What can still be followed up: an action that the council approved and that has not ended.

Following up and handing over both ask for it, so it stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.kernel.act import Act, Body
from domain.kernel.rule import Rule
from domain.kernel.values import ActionId
from domain.rules.references import Reference, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

FOLLOWING = {Body.COMMISSION, Body.WORKING_GROUP, Body.SERVICE, Body.COORDINATOR}
DIRECTING = {Body.ADMINISTRATIVE_COUNCIL, Body.STEERING_COMMITTEE}


class NotForFollowUp(Rule, basis="4.4"):
    """What is followed up has been approved by the council."""

    fr = "L'action « {action} » n'est pas approuvée."
    en = "The action “{action}” is not approved."


class ActionHasEnded(Rule, basis="4.4"):
    """A completed or abandoned action is over."""

    fr = "L'action « {action} » est terminée."
    en = "The action “{action}” has ended."


def followed(
    contract: Contract, act: Act, action: ActionId
) -> Iterator[Reference | NotForFollowUp | ActionHasEnded]:
    """Find an action that cannot be followed up: unknown, not approved by then, or over."""
    yield from refers(contract, act, "actions", action)
    known = contract.actions.get(action)
    if known is not None and not act.follows(known.approved_on):
        yield NotForFollowUp(action=action)
    if known is not None and known.ended is not None:
        yield ActionHasEnded(action=action)
