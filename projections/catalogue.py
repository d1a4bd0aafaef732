"""Every view and every table: importing this module fills their registries.

A read model is added here once, and in a migration if it is a table.
"""

from __future__ import annotations

from typing import Any

from projections.conformity import conformity
from projections.engine.projection import Projection
from projections.engine.table import TABLES
from projections.engine.view import VIEWS
from projections.tables import calendar, ledger, register, silences
from projections.views import (
    bodies,
    diagnosis,
    funding,
    genealogy,
    overview,
    plenaries,
    roadmap,
    timeline,
)

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
