"""A contract under another version of the framework: the answer of the command and of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.counterfactual import differences
from domain.kernel.contract import Contract
from domain.kernel.framework import FRAMEWORKS
from infra.conf.reference import reference
from projections.conformity.assessment import assess
from projections.conformity.conformity import conformity
from projections.engine.view import fold

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from domain.kernel.decision import Recorded
    from domain.kernel.framework import Framework
    from domain.kernel.rule import Finding
    from domain.kernel.values import Language
    from projections.conformity.assessment import Assessed, Conformity


class UnknownFramework(LookupError):
    """No version of the framework has this name."""


def framework_of(version: str) -> Framework:
    """The version of that name.

    Raises:
        UnknownFramework: there is none; says which there are.
    """
    try:
        return FRAMEWORKS[version]
    except KeyError:
        raise UnknownFramework(f"{version} is not one of: {', '.join(FRAMEWORKS)}") from None


def counterfactual(
    history: Sequence[Recorded[Any]], framework: Framework, *, today: dt.date, language: Language
) -> dict[str, Any]:
    """What a history would have met under another version, as a JSON value.

    Args:
        history: one contract's decisions as recorded, up to whatever was known; not empty.
        framework: the other version.
        today: the day on which conformity is assessed.
        language: of the sentences.
    """
    facts = fold(conformity, history)
    own = assess(facts, today)
    return {
        "contract": history[0].contract,
        "version": history[-1].version,
        "own_framework": Contract.of(history[0].contract, history).framework.version,
        "framework": framework.version,
        "on": today.isoformat(),
        "decisions": [
            {
                "position": found.recorded.position,
                "type": found.recorded.decision.slug,
                "body": found.recorded.act.body.value,
                "decided_on": found.recorded.act.decided_on.isoformat(),
                "refused": _said(found.refused, language),
                "unjustified": _said(found.unjustified, language),
                "no_longer": _said(found.no_longer, language),
            }
            for found in differences(history, framework, today=today, reference=reference())
        ],
        "requirements": _differing(own, assess(facts, today, framework)),
    }


def _said(findings: Iterable[Finding], language: Language) -> list[dict[str, Any]]:
    return [finding.as_json(language) for finding in findings]


def _differing(own: Conformity, other: Conformity) -> list[dict[str, Any]]:
    """The requirements that are answered otherwise; null where a version does not ask."""
    answers = {each.id: each for each in own.requirements}
    others = {each.id: each for each in other.requirements}
    return [
        {
            "id": key,
            "basis": asked.basis,
            "fr": asked.fr,
            "en": asked.en,
            "own": _answer(answers.get(key)),
            "other": _answer(others.get(key)),
        }
        for key, asked in {**answers, **others}.items()
        if _answer(answers.get(key)) != _answer(others.get(key))
    ]


def _answer(assessed: Assessed | None) -> dict[str, Any] | None:
    if assessed is None:
        return None
    return {
        "state": assessed.state.value,
        "due": assessed.due and assessed.due.isoformat(),
        "positions": assessed.positions,
    }
