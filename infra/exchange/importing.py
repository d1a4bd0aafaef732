"""Import: decisions out of a file, judged like any other, recorded all together or not at all.

Everything is judged first, in one pass, on contracts of this import's own; what is to be written
waits in a spool. Only then is it appended, in batches: nobody else who records has to wait for
the judging. Memory holds the contracts that the file speaks of, not the file.

The file says who recorded (`by`) and for which body: importing is for whoever runs this machine,
so that any body's decisions are taken. `by` need not be an account here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import orjson
from django.db import transaction

from domain.chapters.initiation import ContractInitiated
from domain.kernel.act import Act, Body
from domain.kernel.contract import Contract
from domain.kernel.decision import NotCompetent, UnknownDecisionType, decision_type
from domain.kernel.values import AccountId
from infra import vault
from infra.accounts import Account, Role, accounts
from infra.conf.reference import reference
from infra.eventstore.repository import Held
from infra.eventstore.store import log_size
from infra.exchange.importing_names import Names
from infra.exchange.importing_spool import Spool
from infra.exchange.matching import Stored, likeness
from infra.exchange.ndjson import DecisionLine, PersonLine, read_lines
from infra.recording.parsing import Circumstances, read_body, read_circumstances, read_decision
from infra.recording.refusals import FieldError, InvalidFields, Refused
from infra.recording.submission import Submission, today_in_geneva

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from domain.kernel.decision import Decision
    from domain.kernel.rule import Finding
    from domain.kernel.values import ContractId, Language
    from infra.exchange.ndjson import Line
    from infra.recording.submission import Draft

FAULTS_KEPT: Final = 100
"""Faulty lines that a report describes; the others are counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line was not accepted.

    `after`: the number of the first faulty line of the same contract, where this may be due to.
    """

    line: int
    contract: str | None
    decision: str | None
    errors: tuple[FieldError, ...] = ()
    findings: tuple[Finding, ...] = ()
    after: int | None = None

    def as_json(self, language: Language) -> dict[str, Any]:
        """For a machine; what does not apply is left out."""
        said = {
            "line": self.line,
            "contract": self.contract,
            "decision": self.decision,
            "errors": [
                {"pointer": each.pointer, "code": each.code, "message": each.message}
                for each in self.errors
            ],
            "findings": [finding.as_json(language) for finding in self.findings],
            "after": self.after,
        }
        return {key: each for key, each in said.items() if each}


@dataclass(slots=True)
class Report:
    """What came of an import.

    lines: decisions in the file.
    known: of these, decisions that the store had already.
    recorded: decisions recorded, or that would be, in a dry run.
    persons: identities taken into the vault for them.
    faults: the first faulty lines; if there is any, nothing was recorded.
    faulty: how many lines were faulty.
    """

    dry_run: bool
    lines: int = 0
    known: int = 0
    recorded: int = 0
    persons: int = 0
    contracts: list[ContractId] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    faulty: int = 0

    def as_json(self, language: Language = "en") -> dict[str, Any]:
        """For a machine."""
        return {
            "dry_run": self.dry_run,
            "lines": self.lines,
            "known": self.known,
            "recorded": self.recorded,
            "persons": self.persons,
            "contracts": self.contracts,
            "faulty": self.faulty,
            "faults": [fault.as_json(language) for fault in self.faults],
        }


def import_file(
    file: BinaryIO,
    *,
    now: dt.datetime,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Record every decision of a file, or none. What is in the store already is passed over.

    Args:
        file: in the format of `infra/exchange/ndjson.py`; read once, from where it stands.
        now: the instant; what is dated after that day in Geneva is refused.
        dry_run: judge everything and record nothing.
        progress: told the number of each line that has been judged.

    Raises:
        StaleVersion: somebody else recorded in one of the contracts meanwhile; nothing was
            recorded.
    """
    with transaction.atomic(), Spool(log_size()) as spool:
        reading = _Import(now, spool, Report(dry_run))
        for number, line in read_lines(file):
            reading.take(number, line)
            progress(number)
        report = reading.report
        if report.faulty or dry_run:
            transaction.set_rollback(True)
        else:
            spool.append()
        if report.faulty:
            report.recorded = report.persons = 0
    return report


class _Judged:
    """A contract as the file makes it, and what it was before."""

    def __init__(self, contract_id: ContractId) -> None:
        self.contract: Contract = Held(contract_id).contract
        self.stored = Stored(self.contract)
        self.first_fault: int | None = None


class _Import:
    def __init__(self, now: dt.datetime, spool: Spool, report: Report) -> None:
        self.now = now
        self.today = today_in_geneva(now)
        self.spool = spool
        self.report = report
        self.names = Names()
        self.contracts: dict[ContractId, _Judged] = {}
        self.roles = {account.name: account.role for account in accounts()}

    def take(self, number: int, line: Line) -> None:
        """Judge one line; what is accepted goes to the spool, what is not into the report."""
        match line:
            case PersonLine():
                if error := self.names.declare(line):
                    self._refuse(number, None, [error])
            case DecisionLine():
                self.report.lines += 1
                try:
                    self._take_decision(line)
                except InvalidFields as error:
                    self._refuse(number, line, error.errors)
                except Refused as error:
                    self._refuse(number, line, [], error.findings)
            case errors:
                self._refuse(number, None, errors)

    def _take_decision(self, line: DecisionLine) -> None:
        try:
            kind = decision_type(line.decision)
        except UnknownDecisionType:
            raise _invalid(
                "/decision", "decision_type", f"There is no decision type “{line.decision}”."
            ) from None
        judged = self.contracts.get(line.contract)
        if judged is None:
            judged = self.contracts[line.contract] = _Judged(line.contract)
            self.report.contracts.append(line.contract)
        contract = judged.contract
        self.names.demand_new(line.label)
        if not contract.version and kind is not ContractInitiated:
            raise _invalid("/contract", "unknown_contract", "This contract was not initiated.")
        data = self.names.resolve(kind, contract, line.data)
        submission = Submission(
            kind=kind,
            data=_dumped(data),
            body=self._body(kind, contract, line, data),
            decided_on=line.decided_on,
            evidence=line.evidence or (),
            departures=line.departures,
            account=Account(AccountId(line.by), Role.COORDINATOR),
            today=self.today,
            persons=self.names.known,
        )
        if self._is_known(judged, submission, line.label):
            self.report.known += 1
            return
        if contract.version and kind is ContractInitiated:
            raise _invalid("/contract", "contract_exists", "There is a contract of that id.")
        for person in self.names.take_persons(by=line.by):
            self.spool.add_person(person)
            self.report.persons += 1
        try:
            draft = submission.draft(contract)
        except NotCompetent as error:
            competent = ", ".join(sorted(body.value for body in kind.taken_by))
            raise _invalid(
                "/body", "not_competent", f"{error.body} does not take it, but: {competent}."
            ) from error
        self._accept(draft, contract, line.label)

    def _accept(self, draft: Draft, contract: Contract, label: str | None) -> None:
        position = self.spool.add(draft, moves=self.names.is_ahead(draft))
        recorded = draft.recorded(position, self.now)
        contract.evolve(recorded)
        self.names.label(label, recorded, ahead=True)
        self.report.recorded += 1

    def _body(
        self, kind: type[Decision], contract: Contract, line: DecisionLine, data: dict[str, Any]
    ) -> Any:
        """The body named, or the one it must be: whose decision is corrected, who records.

        Raises:
            InvalidFields: several may take it, and nothing tells which did.
        """
        if line.body is not None:
            return line.body
        if (corrected := self.names.corrected(kind, contract, data)) is not None:
            return corrected.act.body.value
        role = self.roles.get(AccountId(line.by))
        own = role.body if role else next((body for body in Body if body.value == line.by), None)
        body = read_body(kind, None, own)
        if isinstance(body, FieldError):
            raise InvalidFields([body])
        return body.value

    def _is_known(self, judged: _Judged, sent: Submission, label: str | None) -> bool:
        """Whether the store had it before this import; then its names are known as well."""
        if judged.stored.is_empty:
            return False
        # What would not be accepted today may have been recorded once.
        read = self._read(judged, sent) or self._read(judged, sent, as_recorded=True)
        if read is None:
            return False
        decision, act, keeper = read
        mine = likeness(decision, act, judged.contract)
        said = {text["id"]: text["content"] for text in keeper.texts}
        found = judged.stored.match(
            mine,
            [said[text] for text in mine.texts],
            lambda theirs: self.names.are_same(mine.persons, theirs),
        )
        if found is None:
            return False
        recorded, theirs = found
        self.names.bind(mine.persons, theirs)
        self.names.label(label, recorded, ahead=False)
        return True

    def _read(
        self, judged: _Judged, sent: Submission, *, as_recorded: bool = False
    ) -> tuple[Decision, Act, vault.Keeper] | None:
        """What was sent, with its texts; None if it cannot be read."""
        keeper = vault.Keeper(judged.contract.id)
        body = read_body(sent.kind, sent.body, Role.COORDINATOR.body)
        decision = read_decision(
            sent.kind, sent.data, keeper, judged.contract, as_recorded=as_recorded
        )
        circumstances = read_circumstances(_circumstances(sent), keeper, as_recorded=as_recorded)
        if (
            isinstance(body, FieldError)
            or isinstance(decision, list)
            or not isinstance(circumstances, Circumstances)
        ):
            return None
        act = Act(
            body,
            circumstances.decided_on,
            sent.account.name,
            circumstances.evidence,
            circumstances.departures,
            self.today,
            reference(),
        )
        return decision, act, keeper

    def _refuse(
        self,
        number: int,
        line: DecisionLine | None,
        errors: tuple[FieldError, ...] | list[FieldError],
        findings: tuple[Finding, ...] = (),
    ) -> None:
        self.report.faulty += 1
        judged = self.contracts.get(line.contract) if line else None
        after = judged.first_fault if judged else None
        if judged and judged.first_fault is None:
            judged.first_fault = number
        if len(self.report.faults) < FAULTS_KEPT:
            self.report.faults.append(
                Fault(
                    number,
                    line.contract if line else None,
                    line.decision if line else None,
                    tuple(errors),
                    findings,
                    after,
                )
            )


def _dumped(data: Any) -> bytes:
    try:
        return orjson.dumps(data)
    except TypeError:  # an integer that orjson does not write; what is wrong with it is said later
        return json.dumps(data).encode()


def _circumstances(sent: Submission) -> dict[str, Any]:
    given = {
        "decided_on": sent.decided_on,
        "evidence": sent.evidence,
        "departures": sent.departures,
    }
    return {name: each for name, each in given.items() if each}


def _invalid(pointer: str, code: str, message: str) -> InvalidFields:
    return InvalidFields([FieldError(pointer, code, message)])
