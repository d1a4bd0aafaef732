"""From events to messages: CloudEvents 1.0 in Kafka's binary mode.

The headers carry what every event has, the value only the payload:

    ce_specversion: 1.0
    ce_id: paquis/41                                    contract and version
    ce_source: urn:quartier
    ce_type: ch.quartier.funds-committed.v1
    ce_time: 2026-11-22T18:10:00.123456Z                recorded at
    ce_subject: paquis
    ce_sequence: 00000000000000000310                   position: 20 digits, as it sorts as text
    ce_dataschema: urn:quartier:schema:funding-event:1
    content-type: application/json

Source: CloudEvents 1.0.2, Kafka protocol binding 1.0.2, section 3.2; extension `sequence`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.decision import Decision, decision_type
from domain.history import Correction
from domain.stored import NewerSchema, content_of
from infra.relay.accounts import READ, Accounts
from infra.relay.public import decision_schema_id, public_data, withheld_fields
from infra.relay.shapes import FUNDING_SCHEMA
from infra.relay.topics import DECISIONS, FUNDING
from infra.store import recorded_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.relay.source import Row, Source

DECISIONS_KEPT: Final = 200_000
"""Decisions about money in memory at most, over all contracts."""

JSON: Final = orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Message:
    """What is produced to a topic, but for the transaction around it."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


class Messages:
    """Makes the messages of events, which are to be given in order.

    Keeps the accounts of the contracts last seen. After a failure `forget` them: they may be
    ahead of what was published.
    """

    def __init__(self, source: Source, name: str) -> None:
        self._source = source
        self._name = name.encode()
        self._accounts: OrderedDict[str, Accounts] = OrderedDict()
        self._kept = 0

    def forget(self) -> None:
        """Read every contract anew at its next event."""
        self._accounts.clear()
        self._kept = 0

    def of(self, row: Row) -> Iterator[Message]:
        """The messages of one event: one about the decision, and one more if it is about money.

        Raises:
            UnknownDecisionType, NewerSchema: it was written by a newer program.
            pydantic.ValidationError: the payload is not one of its type.
        """
        position, contract, version, slug, *_, recorded_at, _, _ = row
        kind = decision_type(slug)
        common = [
            ("ce_specversion", b"1.0"),
            ("ce_id", b"%b/%d" % (contract.encode(), version)),
            ("ce_source", self._name),
            ("ce_type", _ce_type(kind)),
            ("ce_time", _instant(recorded_at)),
            ("ce_subject", contract.encode()),
            ("ce_sequence", b"%020d" % position),
            ("content-type", b"application/json"),
        ]
        key = contract.encode()
        decided = [*common, ("ce_dataschema", _data_schema(kind))]
        yield Message(DECISIONS, key, self._decision(kind, row), decided)
        if slug in READ:
            event = self._funding(row)
            if event is not None:
                value = orjson.dumps(event, option=JSON)
                yield Message(FUNDING, key, value, [*common, ("ce_dataschema", _FUNDING_SCHEMA)])

    def _funding(self, row: Row) -> dict[str, Any] | None:
        _, contract, version, *_ = row
        accounts = self._accounts.get(contract)
        if accounts is None:
            accounts = self._accounts[contract] = Accounts()
            for earlier in self._source.history(contract, version, READ):
                accounts.take_in(earlier)
            self._kept += len(accounts.history)
        else:
            self._accounts.move_to_end(contract)
        self._kept += 1
        while self._kept > DECISIONS_KEPT and len(self._accounts) > 1:
            _, oldest = self._accounts.popitem(last=False)
            self._kept -= len(oldest.history)
        return accounts.take_in(recorded_of(row))

    def _decision(self, kind: type[Decision], row: Row) -> bytes:
        position, contract, version, slug, schema, body, decided_on, recorded_at, by, payload = row
        head = orjson.dumps(
            {
                "contract": contract,
                "position": position,
                "version": version,
                "type": slug,
                "schema": kind.schema_version,
                "body": body,
                "basis": kind.basis,
                "decided_on": decided_on,
                "recorded_at": recorded_at,
                "recorded_by": by,
            },
            option=orjson.OPT_UTC_Z,
        )
        if schema > kind.schema_version:
            raise NewerSchema(f"{slug} has schema {schema}, known is {kind.schema_version}")
        # The payload is an object and begins with a brace, which the head's end takes the place of.
        return head[:-1] + b"," + self._public(kind, schema, payload, row)[1:]

    def _public(self, kind: type[Decision], schema: int, payload: str, row: Row) -> bytes:
        if schema == kind.schema_version and _is_public(kind):
            return payload.encode()
        if schema == kind.schema_version:
            content = orjson.loads(payload)
        else:
            recorded = recorded_of(row)
            content = content_of(recorded.decision, recorded.act)
        content["data"] = data = public_data(kind, content["data"])
        if "fields" in data and issubclass(kind, Correction):
            # The fields of another decision: what may be read of them, its type knows.
            slug = self._source.type_at(data["position"])
            data["fields"] = public_data(decision_type(slug), data["fields"]) if slug else {}
        return orjson.dumps(content, option=JSON)


_FUNDING_SCHEMA: Final = FUNDING_SCHEMA.encode()


@cache
def _ce_type(kind: type[Decision]) -> bytes:
    return f"ch.quartier.{kind.slug}.v1".encode()


@cache
def _data_schema(kind: type[Decision]) -> bytes:
    return decision_schema_id(kind).encode()


@cache
def _is_public(kind: type[Decision]) -> bool:
    return not withheld_fields(kind) and not issubclass(kind, Correction)


def _instant(instant: datetime) -> bytes:
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat().replace("+00:00", "Z").encode()
