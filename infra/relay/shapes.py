"""What the topics carry: the shapes of the payloads, from which their JSON Schemas are made.

Versions are whole numbers. Fields may be added to a version, and a reader ignores what it does
not know; anything else is a new version, and a new topic.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from domain.kernel.act import Body
from domain.kernel.values import ActionId, Citation, ContractId, ServiceId, Title, Year

FUNDING_VERSION: Final = 1
FUNDING_SCHEMA: Final = f"urn:quartier:schema:funding-event:{FUNDING_VERSION}"

Francs = Annotated[
    Decimal,
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "chf", "pattern": r"^(0|[1-9][0-9]*)\.[0-9]{2}$"}),
]
SignedFrancs = Annotated[
    Decimal,
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema(
        {"type": "string", "format": "chf", "pattern": r"^-?(0|[1-9][0-9]*)\.[0-9]{2}$"}
    ),
]

AMOUNTS: Final = (
    "requested",
    "voted",
    "enforceable",
    "available",
    "committed",
    "spent",
    "released",
    "refused",
)
"""The sums of an account, in the order in which they are written wherever they are in a row."""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Moved(_Shape):
    """By how much each sum of the account changed; below zero where it went down."""

    requested: SignedFrancs
    voted: SignedFrancs
    enforceable: SignedFrancs
    available: SignedFrancs
    committed: SignedFrancs
    spent: SignedFrancs
    released: SignedFrancs
    refused: SignedFrancs


class Balances(_Shape):
    """The sums of the account after the event.

    At any time enforceable = available + committed + spent + released.
    """

    requested: SignedFrancs = Field(description="Requested as a credit, and not yet answered.")
    voted: SignedFrancs = Field(description="Voted, and not yet enforceable.")
    enforceable: SignedFrancs = Field(
        description="All that may or might be used: an enforceable credit, or a service's budget."
    )
    available: SignedFrancs = Field(description="Enforceable, and nothing was done with it yet.")
    committed: SignedFrancs = Field(description="Committed, and not yet spent.")
    spent: SignedFrancs
    released: SignedFrancs = Field(description="Given back: neither spent nor to be spent.")
    refused: SignedFrancs = Field(description="Requested or voted, and in the end not granted.")


class Line(_Shape):
    """One account that the event is about.

    An account is one way in which one action is paid for (`bancs/1`; `bancs/2` once the route
    was replaced), or the operating budget of a year (`budget:2016`).
    """

    account: str
    action: ActionId | None
    title: Title | None
    service: ServiceId | None = Field(
        description="Whose budget it is, or who was to carry the action out."
    )
    route: str | None = Field(
        description=(
            "service_budget, municipal_credit, none_needed or operating_budget; null where a"
            " correction took the route away."
        )
    )
    budget_line: Citation | None
    year: Year | None
    proposal: Citation | None
    deliberation: Citation | None
    gross: Francs | None = Field(description="The credit as last requested or voted.")
    net: Francs | None = Field(description="What of it remains to be paid after contributions.")
    credit: str | None = Field(
        description="How it was answered: requested, voted, enforceable, refused or withdrawn."
    )
    moved: Moved
    balances: Balances


class Corrected(_Shape):
    """The earlier decision that a rectification or an annulment is about."""

    id: str = Field(description="Its ce_id.")
    position: int
    type: str


class FundingEvent(_Shape):
    """A decision about money, or a correction of one, and where the money stands after it."""

    contract: ContractId
    version: int = Field(ge=1, description="Its place among all decisions of the contract.")
    number: int = Field(
        ge=1, description="Its place among the contract's funding events: 1, 2, 3, … without gaps."
    )
    position: int = Field(ge=1, description="Its place in the order of all decisions.")
    type: str
    body: Body
    decided_on: dt.date
    recorded_at: dt.datetime
    reference: Citation | None = Field(description="The document that the decision names.")
    corrects: Corrected | None
    lines: tuple[Line, ...]


def funding_schema() -> dict[str, Any]:
    """The JSON Schema of what `quartier.funding.v1` carries."""
    return FundingEvent.model_json_schema(mode="serialization") | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": FUNDING_SCHEMA,
    }
