"""Every view and every table: importing this module fills their registries.

A read model is added here once, and in a migration if it is a table.
"""

from __future__ import annotations

from typing import Any

from projections import (
    bodies,
    calendar,
    conformity,
    diagnosis,
    funding,
    genealogy,
    ledger,
    overview,
    plenaries,
    register,
    roadmap,
    silences,
    timeline,
)
from projections.projection import Projection
from projections.table import TABLES
from projections.view import VIEWS

READ_MODELS = (
    overview,
    roadmap,
    bodies,
    diagnosis,
    plenaries,
    funding,
    timeline,
    conformity,
    genealogy,
    register,
    calendar,
    ledger,
    silences,
)

PROJECTIONS: dict[str, Projection[Any]] = Projection.registry

__all__ = ["PROJECTIONS", "READ_MODELS", "TABLES", "VIEWS"]
