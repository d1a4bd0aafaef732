"""Recording a decision: read it, judge it, append it. The only way in.

Optimistic: nothing is read before the write. A decision is judged on the contract in memory, and
the database refuses it if the contract has moved on; then it is judged again. Before anything is
refused, the contract is brought up to date, and the idempotency record looked up: a request that
was recorded once is answered as it was then, whatever has become of the contract since.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import orjson
from anyascii import anyascii
from django.db import connection, transaction

from domain.chapters.initiation import ContractInitiated
from domain.kernel.decision import Decision, Recorded, decision_type
from domain.kernel.values import KEY_PATTERN
from infra.eventstore.append import Appended, Busy, Indefinite, StaleVersion, Write, append
from infra.eventstore.repository import Held, contracts, version_of
from infra.eventstore.store import event_of
from infra.recording import idempotency
from infra.recording.refusals import (
    ContractExists,
    FieldError,
    InvalidFields,
    Refused,
    TryAgain,
    UnknownContract,
    VersionConflict,
)
from infra.recording.submission import ERASURES, Draft, Submission, today_in_geneva

if TYPE_CHECKING:
    from domain.kernel.rule import Finding
    from domain.kernel.values import ContractId
    from infra.accounts import Account

ATTEMPTS: Final = 12
"""How often a decision is judged again because the contract had moved on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was recorded; `replayed` if an earlier request with the same key recorded it.

    `texts` are those that went to the vault with it, so that nobody need ask for them at once.
    """

    recorded: Recorded[Any]
    replayed: bool = False
    departed: tuple[Finding, ...] = ()
    texts: tuple[dict[str, str], ...] = ()


# --- One decision -------------------------------------------------------------------------------


def record(  # noqa: PLR0913 - a request's parts are passed by name
    contract_id: ContractId,
    kind: type[Decision] | str,
    data: bytes,
    *,
    body: Any = None,
    decided_on: Any,
    evidence: Any = (),
    departures: Any = None,
    account: Account,
    now: dt.datetime,
    expected: int | None = None,
    idempotency_key: str | None = None,
    request_digest: bytes | None = None,
) -> Outcome:
    """Record one decision, durably, in one round trip to the database.

    Inside an open transaction it joins that transaction.

    Args:
        contract_id: of a contract that exists; `initiate` begins one.
        kind: the type, or its slug.
        data: the fields of that type, as JSON.
        body: the name of the body that decided, or a `Body`; None for the only competent one, or
            the account's own.
        decided_on: the day, as a `date` or as in JSON.
        evidence: as in JSON, a list of `{"sha256", "title", "reference"}`.
        departures: justifications by rule id; they are kept in the vault.
        account: who records.
        now: the instant; what is dated after that day in Geneva is refused.
        expected: the version that the contract must be at (`If-Match`).
        idempotency_key: the account's own name for this request, at most 255 characters.
        request_digest: SHA-256 of the request, to tell a retry from another request under the
            same key; made from the arguments if it is not given.

    Raises:
        UnknownDecisionType: there is no such type.
        UnknownContract: there is no such contract.
        ContractExists: it is to be initiated, and is there.
        NotCompetent: the body does not take such decisions.
        MayNotRecordFor: the account's role does not record for that body.
        InvalidFields: what is wrong with the fields, all of it.
        Refused: the rules that stand against it, all of them.
        VersionConflict: the contract is not at the version `expected`.
        KeyReused: the key was used for another request.
        TryAgain: the database was too busy.
    """
    kind = decision_type(kind) if isinstance(kind, str) else kind
    submission = Submission(
        kind=kind,
        data=data,
        body=body,
        decided_on=decided_on,
        evidence=evidence,
        departures=departures,
        account=account,
        today=today_in_geneva(now),
    )
    key = _key(contract_id, submission, idempotency_key, request_digest)
    return _once(contract_id, submission, expected, key)


def initiate(  # noqa: PLR0913 - a request's parts are passed by name
    data: bytes,
    *,
    contract_id: ContractId | None = None,
    body: Any = None,
    decided_on: Any,
    evidence: Any = (),
    departures: Any = None,
    account: Account,
    now: dt.datetime,
    idempotency_key: str | None = None,
    request_digest: bytes | None = None,
) -> Outcome:
    """Begin a contract. The arguments and the errors are those of `record`.

    `contract_id` may be None, to make one from the title: `paquis`, or `paquis-2` if that is
    taken. ContractExists is raised for an id that was asked for.
    """
    submission = Submission(
        kind=ContractInitiated,
        data=data,
        body=body,
        decided_on=decided_on,
        evidence=evidence,
        departures=departures,
        account=account,
        today=today_in_geneva(now),
    )
    key = _key(contract_id, submission, idempotency_key, request_digest)
    if contract_id is not None:
        if not _CONTRACT_ID.fullmatch(contract_id):
            fault = FieldError("/contract", "contract", "Must be a short id such as `paquis`.")
            raise InvalidFields([fault])
        return _once(contract_id, submission, None, key)
    for candidate in ids_from(_title(data)):
        if version_of(candidate):
            continue
        try:
            return _once(candidate, submission, None, key)
        except ContractExists:  # somebody was quicker
            continue
    raise AssertionError("candidates never end")  # pragma: no cover


def _key(
    contract_id: ContractId | None, submission: Submission, key: str | None, digest: bytes | None
) -> idempotency.Key | None:
    if key is None:
        return None
    if digest is None:
        sent = submission
        digest = idempotency.digest_of(
            *(contract_id, sent.kind.slug, sent.data, str(sent.body), str(sent.decided_on)),
            *(sent.evidence, sent.departures),
        )
    return idempotency.key_of(submission.account.name, key, digest)


def _once(
    contract_id: ContractId,
    submission: Submission,
    expected: int | None,
    key: idempotency.Key | None,
) -> Outcome:
    """Record it, or answer as the request was answered that recorded it."""
    try:
        with contracts.hold(contract_id) as held:
            return _record(held, submission, expected, key)
    except idempotency.ANSWERED_BEFORE:
        if key is not None and (first := idempotency.first_answer(key)) is not None:
            return Outcome(first, replayed=True)
        raise


def _record(
    held: Held, submission: Submission, expected: int | None, key: idempotency.Key | None
) -> Outcome:
    """Judge and append, again if the contract has moved on meanwhile."""
    for attempt in range(ATTEMPTS):
        try:
            contract = held.contract
            _demand_version(held, submission.kind, expected)
            draft = submission.draft(contract)
        except OF_THE_CONTRACT:
            if held.catch_up():
                continue
            raise
        try:
            appended = _write(draft, key)
        except StaleVersion:
            if not held.catch_up():
                held.forget()  # the database is behind us: it was restored from a backup
            continue
        except Busy:
            time.sleep(0.01 * 2**attempt)
            continue
        except Indefinite:
            held.forget()
            if (found := _written_after_all(draft, key)) is None:
                continue
            return Outcome(found, departed=draft.departed)
        recorded = draft.recorded(appended.last_position, appended.recorded_at)
        held.take_in(recorded)
        return Outcome(recorded, departed=draft.departed, texts=tuple(draft.keeper.texts))
    raise TryAgain


OF_THE_CONTRACT: Final = (ContractExists, InvalidFields, Refused, UnknownContract, VersionConflict)
"""Refusals that may be due to an old state of the contract."""


def _demand_version(held: Held, kind: type[Decision], expected: int | None) -> None:
    if expected is not None and held.version != expected:
        missed = held.contract.history[expected:]
        raise VersionConflict(held.id, expected, held.version, missed)
    if kind is ContractInitiated:
        if held.version:
            raise ContractExists(held.id)
    elif not held.version:
        raise UnknownContract(held.id)


def _write(draft: Draft, key: idempotency.Key | None) -> Appended:
    keys = [] if key is None else [key.record(draft.contract, draft.version)]
    if not connection.in_atomic_block and not isinstance(draft.decision, ERASURES):
        return append(Write([draft.event()], draft.keeper.texts, keys))
    with transaction.atomic():
        draft.erase()
        return append(Write([draft.event()], draft.keeper.texts, keys))


def _written_after_all(draft: Draft, key: idempotency.Key | None) -> Recorded[Any] | None:
    """Whether a write whose answer was lost is there."""
    if key is not None:
        return idempotency.first_answer(key)
    # Nobody else can have written the same at the same place, but for the very same decision.
    found = event_of(draft.contract, draft.version)
    if found is None or found != draft.recorded(found.position, found.recorded_at):
        return None
    return found


# --- Ids ----------------------------------------------------------------------------------------

_CONTRACT_ID = re.compile(KEY_PATTERN)


_TITLE_LIMIT: Final = 120


def ids_from(title: str) -> Iterator[ContractId]:
    """Ids for a contract of that title: `paquis`, `paquis-2`, `paquis-3` and so on.

    Letters that ASCII does not have are transliterated: `œuvre` gives `oeuvre`.
    """
    plain = anyascii(title[:_TITLE_LIMIT]).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:50].strip("-") or "contrat"
    yield slug
    for number in count(2):
        yield f"{slug}-{number}"


def _title(data: bytes) -> str:
    """The title that was sent, if it is one: what is wrong with it is found later."""
    try:
        title = orjson.loads(data)["title"]
    except (KeyError, TypeError, ValueError):
        return ""
    return title if isinstance(title, str) else ""
