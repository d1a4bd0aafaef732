"""Every decision type: importing this module fills the registry.

A chapter is added here once; a decision type is not named here at all.
"""

from __future__ import annotations

from domain import (
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
from domain.decision import Decision

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


def catalogue() -> dict[str, type[Decision]]:
    """Every type by its slug, in the order of the chapters."""
    return dict(Decision.registry)
