"""A history told decision by decision, and what another framework would have made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from domain.act import Act
from domain.contract import Contract
from domain.decision import judge
from domain.history import AboutHistory, effective
from domain.initiation import ContractInitiated, FrameworkNotYetAdopted, FrameworkSuperseded
from domain.standing import DepartureWithoutCause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from domain.decision import Recorded
    from domain.framework import Framework
    from domain.reference import Reference
    from domain.rule import Finding, Rule
    from domain.values import ContractId

_BESIDE: Final[tuple[type[Rule], ...]] = (
    FrameworkNotYetAdopted,
    FrameworkSuperseded,
    DepartureWithoutCause,
)
"""Rules that say nothing about what would have been decided otherwise."""


@dataclass(frozen=True, slots=True)
class Step:
    """One decision of a history, as the rules of a framework judge it.

    refused: binding rules that stand against it.
    unjustified: rules it would have to justify departing from, and does not.
    departed: rules it departs from with a justification.
    needless: rules it justifies departing from, which stand in nobody's way.
    """

    recorded: Recorded[Any]
    refused: tuple[Finding, ...] = ()
    unjustified: tuple[Finding, ...] = ()
    departed: tuple[Finding, ...] = ()
    needless: tuple[str, ...] = ()


def history_at(
    history: Iterable[Recorded[Any]], *, known_at: datetime | None, valid_at: date | None
) -> list[Recorded[Any]]:
    """What was known at an instant of what had been decided by a day, corrections in place."""
    known = [r for r in history if known_at is None or r.recorded_at <= known_at]
    return list(effective(known, valid_at=valid_at))


def under(framework: Framework, history: Iterable[Recorded[Any]]) -> list[Recorded[Any]]:
    """The same history, of a contract that began under that framework."""
    return [
        replace(r, decision=r.decision.model_copy(update={"framework": framework.version}))
        if isinstance(r.decision, ContractInitiated)
        else r
        for r in history
    ]


def replay(
    contract_id: ContractId,
    history: Sequence[Recorded[Any]],
    *,
    today: date,
    reference: Reference,
) -> Iterator[Step]:
    """Judge each decision of an effective history on what came before it.

    Args:
        contract_id: of the contract.
        history: as `history_at` and `under` give it.
        today: the day that decisions may be dated up to.
        reference: the reference data to judge by.
    """
    contract = Contract(contract_id)
    for recorded in history:
        act = replace(recorded.act, today=today, reference=reference)
        yield _judged(contract, recorded, act)
        recorded.decision.apply(contract, act)
        contract.history.append(recorded)


def _judged(contract: Contract, recorded: Recorded[Any], act: Act) -> Step:
    if isinstance(recorded.decision, AboutHistory):
        return Step(recorded)  # it is what makes this history, not part of it
    judgement = judge(recorded.decision, contract, act)
    found = [each for each in judgement.refusals if not isinstance(each, _BESIDE)]
    departed = {each.id for each in judgement.departures}
    return Step(
        recorded,
        refused=tuple(each for each in found if not each.departable),
        unjustified=tuple(each for each in found if each.departable),
        departed=judgement.departures,
        needless=tuple(rule for rule in act.departures if rule not in departed),
    )
