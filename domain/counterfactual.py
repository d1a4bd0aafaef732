"""A history judged under another version of the framework: what would the law have said?

Nothing is taken back: each decision is judged on what really came before it, under one version
and under the other, and what is found under only one of them is the difference. The version that
a contract begins under is itself not judged: that it is another one is the supposition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from domain.kernel.act import Act
from domain.kernel.contract import Contract
from domain.kernel.decision import Recorded, judge
from domain.kernel.framework import Framework
from domain.kernel.history import AboutHistory, effective
from domain.kernel.life_cycle import DepartureWithoutCause
from domain.kernel.reference import Reference
from domain.kernel.rule import Finding


@dataclass(frozen=True, slots=True)
class Difference:
    """What one decision would have met under the other version, as it counts after corrections.

    refused: binding rules that would have stood against it.
    unjustified: departable rules that it would have needed a justification for.
    no_longer: what was in its way and would not have been; a justification given for it would
        have been without cause.
    """

    recorded: Recorded[Any]
    refused: tuple[Finding, ...]
    unjustified: tuple[Finding, ...]
    no_longer: tuple[Finding, ...]


def differences(
    history: Iterable[Recorded[Any]], framework: Framework, *, today: date, reference: Reference
) -> Iterator[Difference]:
    """The decisions that the other version would have judged otherwise, in order.

    Args:
        history: one contract's decisions as recorded, up to whatever was known.
        framework: the version to judge under.
        today: the day this is asked on; nothing that is recorded lies in its future.
        reference: the data decisions may refer to.
    """
    counted = list(effective(history))
    if not counted:
        return
    own, other = Contract(counted[0].contract), Contract(counted[0].contract, framework=framework)
    for recorded in counted:
        decision = recorded.decision
        act = replace(recorded.act, today=today, reference=reference)
        if act.body in decision.taken_by and not isinstance(decision, AboutHistory):
            now, then = (_found(each, recorded, act) for each in (own, other))
            more = [finding for rule, finding in then.items() if rule not in now]
            less = [finding for rule, finding in now.items() if rule not in then]
            if more or less:
                yield Difference(
                    recorded,
                    tuple(finding for finding in more if not finding.departable),
                    tuple(finding for finding in more if finding.departable),
                    tuple(less),
                )
        decision.apply(own, recorded.act)
        decision.apply(other, recorded.act)
        other.framework = framework


def _found(contract: Contract, recorded: Recorded[Any], act: Act) -> dict[str, Finding]:
    """Everything a decision meets on a contract, by rule, whether departed from or not."""
    judgement = judge(recorded.decision, contract, act)
    return {
        finding.id: finding
        for finding in (*judgement.refusals, *judgement.departures)
        if not isinstance(finding, DepartureWithoutCause)
    }
