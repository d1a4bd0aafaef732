"""Every decision type: importing this module fills the registry.

A chapter is added here once; a decision type is not named here at all.
"""

from __future__ import annotations

from domain.chapters import (
    actions,
    approval,
    closure,
    commission,
    corrections,
    credit,
    diagnosis,
    erasure,
    follow_up,
    funding,
    handover,
    initiation,
    offices,
    plenaries,
    promotion,
    referendum,
    roadmap,
    working_groups,
)
from domain.kernel.decision import Decision

CHAPTERS = (
    initiation,
    offices,
    promotion,
    plenaries,
    commission,
    working_groups,
    diagnosis,
    actions,
    roadmap,
    approval,
    funding,
    credit,
    referendum,
    follow_up,
    handover,
    closure,
    corrections,
    erasure,
)


_ORDER = [chapter.__name__.rpartition(".")[2] for chapter in CHAPTERS]


def catalogue() -> dict[str, type[Decision]]:
    """Every type by its slug, in the order of the chapters; types added at run time come last."""

    def chapter(kind: type[Decision]) -> int:
        return _ORDER.index(kind.chapter) if kind.chapter in _ORDER else len(_ORDER)

    return {kind.slug: kind for kind in sorted(Decision.registry.values(), key=chapter)}
