"""Why a decision was not recorded. In every case nothing was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from domain.kernel.decision import NotCompetent, UnknownDecisionType
from infra.eventstore.repository import UnknownContract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.kernel.act import Body
    from domain.kernel.decision import Decision, Judgement, Recorded
    from domain.kernel.rule import Finding
    from domain.kernel.values import ContractId
    from infra.accounts import Role

__all__ = [
    "ContractExists",
    "FieldError",
    "InvalidFields",
    "KeyReused",
    "MayNotRecordFor",
    "NotCompetent",
    "Refused",
    "TryAgain",
    "UnknownContract",
    "UnknownDecisionType",
    "VersionConflict",
]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with what was sent.

    pointer: a JSON pointer (RFC 6901) into the request, such as `/data/amount`.
    code: the kind of fault, stable: `missing`, `amount`, `unknown_person`, …
    message: a sentence in English.
    context: what the sentence speaks of, by name.
    """

    pointer: str
    code: str
    message: str
    context: dict[str, Any] = field(default_factory=dict)


class InvalidFields(Exception):
    """Everything that is wrong with the fields, at once."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.pointer}: {error.message}" for error in errors))
        self.errors = tuple(errors)


class ContractExists(Exception):
    """A contract of that id was initiated already."""

    def __init__(self, contract_id: ContractId) -> None:
        super().__init__(contract_id)
        self.contract = contract_id


class VersionConflict(Exception):
    """The contract is not at the version that the request demanded (`If-Match`).

    `missed` are the decisions after that version, in order.
    """

    def __init__(
        self, contract_id: ContractId, expected: int, current: int, missed: Sequence[Recorded[Any]]
    ) -> None:
        super().__init__(f"{contract_id} is at version {current}, not {expected}")
        self.contract = contract_id
        self.expected = expected
        self.current = current
        self.missed = tuple(missed)


class Refused(Exception):
    """Rules stand against it: all the findings, and those that a justification set aside."""

    def __init__(self, kind: type[Decision], judgement: Judgement) -> None:
        super().__init__(", ".join(finding.id for finding in judgement.refusals))
        self.kind = kind
        self.findings: tuple[Finding, ...] = judgement.refusals
        self.departed: tuple[Finding, ...] = judgement.departures


class MayNotRecordFor(Exception):
    """The account's role does not record that body's decisions."""

    def __init__(self, role: Role, body: Body) -> None:
        super().__init__(f"{role} does not record for {body}")
        self.role = role
        self.body = body


class KeyReused(Exception):
    """The idempotency key was used for another request."""


class TryAgain(Exception):
    """The database was too busy, or its answers were lost; nothing was recorded."""
