"""Recording over HTTP: the same few lines for a decision of whatever type."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from api.http import problems
from api.http.body import read_object
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.responses import CREATED, created
from api.resources.decision_types import named
from domain.chapters.initiation import ContractInitiated
from domain.kernel.contract import Contract
from domain.kernel.values import KEY_PATTERN, Bilingual
from infra.accounts import Role
from infra.eventstore.repository import UnknownContract, contracts, version_of
from infra.recording.idempotency import LONGEST_KEY
from infra.recording.recording import initiate, record
from infra.recording.refusals import (
    ContractExists,
    FieldError,
    InvalidFields,
    MayNotRecordFor,
    Refused,
)
from infra.recording.submission import Submission, today_in_geneva

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

    from domain.kernel.decision import Decision
    from domain.kernel.values import ContractId
    from infra.accounts import Account

RECORDING: Final = frozenset(role for role in Role if role is Role.COORDINATOR or role.body)
"""Roles that record decisions: the coordination for every body, each secretariat for its own."""

CAN_GO_WRONG: Final = (
    problems.MALFORMED,
    problems.NOT_COMPETENT,
    problems.RULES,
    problems.TOO_LARGE,
    problems.MEDIA,
    problems.FIELDS,
    problems.KEY_REUSED,
)
"""What recording can be refused for, besides what every address can."""

_MEMBERS: Final = ("body", "data", "decided_on", "departures", "evidence")
_CONTRACT_ID: Final = re.compile(KEY_PATTERN)
_ETAG: Final = re.compile(r'(?:W/)?"(\d{1,18})(?:;[^"]*)?"', re.ASCII)
_PRINTABLE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class DecisionView(Endpoint):
    """Record a decision of one type on a contract."""

    @operation(
        Bilingual("Enregistrer une décision", "Record a decision"),
        Answer("Recorded", status=CREATED, headers=("ETag", "Location")),
        roles=RECORDING,
        body={"application/json": "Sent"},
        headers=("Idempotency-Key", "If-Match"),
        problems=(*CAN_GO_WRONG, problems.MISSED),
    )
    def post(self, request: Request, contract: ContractId, slug: str) -> HttpResponse:
        kind = named(slug)
        if kind is ContractInitiated:
            raise ContractExists(contract) if version_of(contract) else UnknownContract(contract)
        sent = Sent(self, django_request(request), kind)
        sent.demand_sound(contract)
        outcome = record(contract, kind, sent.data, **sent.act, expected=if_match(sent.request))
        return created(self, outcome, f"/api/v1/events/{outcome.recorded.position}")


def begin(endpoint: Endpoint, request: HttpRequest) -> HttpResponse:
    """Record the decision that begins a contract."""
    sent = Sent(endpoint, request, ContractInitiated, "contract")
    wanted = sent.members["contract"]
    sent.demand_sound(wanted)
    outcome = initiate(sent.data, **sent.act, contract_id=wanted)
    return created(endpoint, outcome, f"/api/v1/contracts/{outcome.recorded.contract}")


class Sent:
    """A decision as somebody sends it: his account, the body of his request, two headers.

    Raises:
        MayNotRecordFor: his role records for none of the bodies that take such decisions.
        Problem: the body is no JSON object, or a header cannot be read.
    """

    def __init__(
        self, endpoint: Endpoint, request: HttpRequest, kind: type[Decision], *also: str
    ) -> None:
        assert endpoint.account is not None  # noqa: S101 - the operation demands a role
        self.account: Account = endpoint.account
        self.request = request
        self.kind = kind
        may = self.account.role.may_record_for
        if not any(may(body) for body in kind.taken_by):
            raise MayNotRecordFor(self.account.role, min(kind.taken_by, key=str))
        self.now = datetime.now(UTC)
        self.key = idempotency_key(request)
        body = read_object(request)
        self.digest = hashlib.sha256(
            request.path.encode() + b"\n" + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        ).digest()
        self.members: dict[str, Any] = {**dict.fromkeys((*_MEMBERS, *also)), **body}
        self.faults = list(_shape(self.members, {*_MEMBERS, *also}))
        self.data = orjson.dumps(self.members["data"])

    @property
    def act(self) -> dict[str, Any]:
        """Everything but the decision, as `record` takes it."""
        return {
            **self._circumstances(),
            "account": self.account,
            "now": self.now,
            "idempotency_key": self.key,
            "request_digest": self.digest if self.key else None,
        }

    def _circumstances(self) -> dict[str, Any]:
        return {
            name: self.members[name] for name in ("body", "decided_on", "departures", "evidence")
        }

    def demand_sound(self, contract: ContractId | None) -> None:
        """Refuse a request that is not even one, with whatever else is wrong with it.

        Raises:
            InvalidFields: everything at once.
        """
        if self.faults:
            known = {fault.pointer for fault in self.faults}
            others = (
                fault
                for fault in self._other_faults(contract)
                if fault.pointer not in known and not any(_within(fault.pointer, k) for k in known)
            )
            raise InvalidFields([*self.faults, *others])

    def _other_faults(self, contract_id: ContractId | None) -> tuple[FieldError, ...]:
        submission = Submission(
            kind=self.kind,
            data=self.data,
            account=self.account,
            today=today_in_geneva(self.now),
            **self._circumstances(),
        )
        try:
            if self.kind is ContractInitiated:
                submission.draft(Contract(""))
            else:
                with contracts.hold(contract_id or "") as held:
                    held.catch_up()
                    if not held.version:
                        raise UnknownContract(contract_id)
                    submission.draft(held.contract)
        except InvalidFields as found:
            return found.errors
        except Refused:
            pass
        return ()


def _within(pointer: str, whole: str) -> bool:
    return pointer.startswith(f"{whole}/")


def _shape(members: dict[str, Any], known: set[str]) -> Iterator[FieldError]:
    """What is wrong with a request before anything in it is looked at."""
    for name in members:
        if name not in known:
            at = "/" + name[:100].replace("~", "~0").replace("/", "~1")
            yield FieldError(at, "extra_forbidden", "Extra inputs are not permitted")
    if members["data"] is None:
        yield FieldError("/data", "missing", "Field required")
    for name, kind, code in (("evidence", list, "list_type"), ("departures", dict, "dict_type")):
        if members[name] is None:
            members[name] = kind()
        elif not isinstance(members[name], kind):
            yield FieldError(f"/{name}", code, f"Input should be a valid {kind.__name__}")
    wanted = members.get("contract")
    if "contract" not in known or wanted is None:
        return
    if not isinstance(wanted, str) or not _CONTRACT_ID.fullmatch(wanted):
        yield FieldError("/contract", "contract", "Must be a short id such as `paquis`.")


def if_match(request: HttpRequest) -> int | None:
    """The version that the contract must be at; None if the request does not say.

    A weak tag is taken as well: a proxy that compresses answers makes ours weak.
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None or header.strip() == "*":
        return None
    tag = _ETAG.fullmatch(header.strip())
    if tag is None:
        raise problems.malformed(
            Bilingual(
                'If-Match doit contenir un seul ETag donné par ce service, tel que « "3" ».',
                'If-Match must hold one ETag that this service gave, such as "3".',
            )
        )
    return int(tag[1])


def idempotency_key(request: HttpRequest) -> str | None:
    """The account's own name for this request."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None or (len(key) <= LONGEST_KEY and _PRINTABLE.fullmatch(key)):
        return key
    raise problems.malformed(
        Bilingual(
            f"Idempotency-Key doit avoir de 1 à {LONGEST_KEY} caractères ASCII imprimables.",
            f"Idempotency-Key must have 1 to {LONGEST_KEY} printable ASCII characters.",
        )
    )
