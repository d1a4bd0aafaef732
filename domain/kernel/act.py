"""The act of deciding: which body, when, on what evidence, with which justifications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from domain.kernel.reference import Reference
from domain.kernel.values import AccountId, Citation, Term, TextRef, Title


class Body(Term):
    """The bodies that take decisions (§2, §3)."""

    ADMINISTRATIVE_COUNCIL = (
        "administrative_council",
        "Conseil administratif",
        "Administrative council",
    )
    MUNICIPAL_COUNCIL = "municipal_council", "Conseil municipal", "Municipal council"
    STEERING_COMMITTEE = "steering_committee", "Comité de pilotage", "Steering committee"
    PROJECT_LEAD = "project_lead", "Chef-fe de projet", "Project lead"
    COORDINATOR = "coordinator", "Coordinateur-trice", "Coordinator"
    COMMUNITY_UNIT = "community_unit", "Unité d'action communautaire", "Community action unit"
    PLENARY = "plenary", "Conférence de quartier", "Plenary"
    COMMISSION = "commission", "Commission de coordination", "Coordination commission"
    WORKING_GROUP = "working_group", "Groupe de travail", "Working group"
    SERVICE = "service", "Service municipal", "Municipal service"
    DELEGATES = "delegates", "Délégué-e-s du quartier", "Neighbourhood delegates"
    RELAY = "relay", "Structure relais", "Relay structure"


class Evidence(BaseModel):
    """A document a decision rests on, by its content."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), "sha256"] | None = None
    title: Title
    reference: Citation | None = None
    illustrative: bool = False
    """Made up for an example; not a real document."""


_NO_REFERENCE = Reference()
"""The same for every act that is only read: one of its own for each would be half of its size."""


@dataclass(frozen=True, slots=True)
class Act:
    """Everything about a decision but what was decided.

    `today` is the day it is being recorded, in Geneva (Europe/Zurich), and `reference` the data
    in force then; both are only there to judge by, and are not part of the event.
    """

    body: Body
    decided_on: date
    recorded_by: AccountId
    evidence: tuple[Evidence, ...] = ()
    departures: Mapping[str, TextRef] = field(default_factory=dict)
    today: date = date.max
    reference: Reference = _NO_REFERENCE

    def follows(self, day: date | None) -> bool:
        """Whether this was decided on that day or later; not so if that day never came (None)."""
        return day is not None and day <= self.decided_on
