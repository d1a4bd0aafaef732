"""A decision as somebody sends it, and as it is once it was read and judged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import orjson

from domain.chapters.erasure import PersonErased, TextErased
from domain.kernel.act import Act, Body
from domain.kernel.decision import Decision, NotCompetent, Recorded, judge
from domain.kernel.payload import write
from infra import vault
from infra.conf.reference import reference
from infra.recording.parsing import read_body, read_circumstances, read_decision
from infra.recording.persons import unknown_persons
from infra.recording.refusals import FieldError, InvalidFields, MayNotRecordFor, Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from domain.kernel.contract import Contract
    from domain.kernel.rule import Finding
    from domain.kernel.values import ContractId, PersonId
    from infra.accounts import Account

GENEVA: Final = ZoneInfo("Europe/Zurich")

ERASURES: Final = (PersonErased, TextErased)
"""Decisions that are carried out in the vault, in the transaction that records them."""


def today_in_geneva(now: dt.datetime) -> dt.date:
    """The legal day of an instant."""
    return now.astimezone(GENEVA).date()


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that may be recorded, on the version that it was judged on."""

    contract: ContractId
    version: int
    decision: Decision
    act: Act
    keeper: vault.Keeper
    departed: tuple[Finding, ...]

    def event(self) -> dict[str, Any]:
        """In the shape that `append` takes."""
        return {
            "contract": self.contract,
            "version": self.version,
            "type": self.decision.slug,
            "schema": self.decision.schema_version,
            "body": self.act.body.value,
            "decided_on": self.act.decided_on,
            "recorded_by": self.act.recorded_by,
            "payload": orjson.Fragment(write(self.decision, self.act)),
        }

    def recorded(self, position: int, recorded_at: dt.datetime) -> Recorded[Any]:
        """As it is read back; what it was only judged by is left behind."""
        act = self.act
        kept = Act(act.body, act.decided_on, act.recorded_by, act.evidence, act.departures)
        return Recorded(position, self.contract, self.version, recorded_at, kept, self.decision)

    def erase(self) -> None:
        """Do in the vault what an erasure decides."""
        if isinstance(self.decision, PersonErased):
            vault.erase_person(self.decision.person)
        elif isinstance(self.decision, TextErased):
            vault.erase_text(self.decision.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One decision as somebody sends it, unread: JSON values, but for `data`, which is JSON.

    persons: ids of persons that are known without asking the vault.
    """

    kind: type[Decision]
    data: bytes
    body: Any = None
    decided_on: Any = None
    evidence: Any = ()
    departures: Any = None
    account: Account
    today: dt.date
    persons: Collection[PersonId] = ()

    def draft(self, contract: Contract) -> Draft:
        """Read it and judge it on this contract.

        Raises:
            NotCompetent, MayNotRecordFor, InvalidFields, Refused: why it may not be recorded.
        """
        keeper = vault.Keeper(contract.id)
        body = read_body(self.kind, self.body, self.account.role.body)
        if isinstance(body, Body):
            if body not in self.kind.taken_by:
                raise NotCompetent(self.kind, body)
            if not self.account.role.may_record_for(body):
                raise MayNotRecordFor(self.account.role, body)
        circumstances = read_circumstances(self._circumstances(), keeper)
        decision = read_decision(self.kind, self.data, keeper, contract)
        if (
            isinstance(body, FieldError)
            or isinstance(circumstances, list)
            or isinstance(decision, list)
        ):
            raise InvalidFields(_faults(body, circumstances, decision))
        if unknown := unknown_persons(decision, contract, self.persons):
            raise InvalidFields(unknown)
        act = Act(
            body,
            circumstances.decided_on,
            self.account.name,
            circumstances.evidence,
            circumstances.departures,
            self.today,
            reference(),
        )
        judgement = judge(decision, contract, act)
        if judgement.refusals:
            raise Refused(self.kind, judgement)
        return Draft(contract.id, contract.version + 1, decision, act, keeper, judgement.departures)

    def _circumstances(self) -> dict[str, Any]:
        sent = {} if self.decided_on is None else {"decided_on": self.decided_on}
        if self.evidence:
            sent["evidence"] = self.evidence
        if self.departures:
            sent["departures"] = self.departures
        return sent


def _faults(*read: Any) -> list[FieldError]:
    faults: list[FieldError] = []
    for each in read:
        if isinstance(each, FieldError):
            faults.append(each)
        elif isinstance(each, list):
            faults += each
    return faults
