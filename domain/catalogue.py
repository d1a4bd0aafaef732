"""Every decision type: importing this module fills the registry.

A chapter is added here once; a decision type is not named here at all.
"""

from __future__ import annotations

from domain import (  # noqa: F401 - imported for their decision types
    initiation,
)
from domain.decision import Decision

CHAPTERS = ("initiation",)


def catalogue() -> dict[str, type[Decision]]:
    """Every type by its slug, in the order of the chapters."""
    return dict(Decision.registry)
