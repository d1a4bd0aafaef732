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

A checkpoint of the transparency log is an event too, `ch.quartier.checkpoint.v1`, with the signed
note as text; its `ce_sequence` is the last position that it covers.

Source: CloudEvents 1.0.2, Kafka protocol binding 1.0.2, section 3.2; extension `sequence`.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from domain.kernel.decision import Decision, decision_type
from domain.kernel.history import Correction
from domain.kernel.payload import NewerSchema, UnreadableEvent, content_of
from infra.eventstore.store import recorded_of
from infra.relay.accounts import READ, Accounts
from infra.relay.public import decision_schema_id, public_data, withheld_fields
from infra.relay.shapes import FUNDING_SCHEMA
from infra.relay.topics import CHECKPOINTS, DECISIONS, FUNDING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from domain.kernel.decision import Recorded
    from infra.log.tiles import Sealed
    from infra.relay.source import Row, Source

CONTRACTS_KEPT: Final = 2_000
"""Contracts whose accounts are in memory at most."""

Headers = list[tuple[str, bytes]]


class Message(NamedTuple):
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
        self._named = ("ce_source", name.encode())
        self._accounts: OrderedDict[str, Accounts] = OrderedDict()

    def forget(self) -> None:
        """Read every contract anew at its next event."""
        self._accounts.clear()

    def of(self, row: Row) -> list[Message]:
        """The messages of one event: one about the decision, and one more if it is about money.

        Raises:
            UnreadableEvent: it was written by a newer program, or the payload is not one of its
                type.
        """
        try:
            return self._of(row)
        except (LookupError, TypeError, ValueError) as error:
            position, contract, version, slug, *_ = row
            raise UnreadableEvent(position, contract, version, slug, error) from error

    def _of(self, row: Row) -> list[Message]:
        position, contract, version, slug, *_, recorded_at, _, _ = row
        kind = decision_type(slug)
        key = contract.encode()
        headers = [
            _SPECVERSION,
            ("ce_id", b"%b/%d" % (key, version)),
            self._named,
            _ce_type(kind),
            ("ce_time", _instant(recorded_at)),
            ("ce_subject", key),
            ("ce_sequence", b"%020d" % position),
            _data_schema(kind),
            _CONTENT_TYPE,
        ]
        messages = [Message(DECISIONS, key, self._decision(kind, row), headers)]
        if slug in READ and (event := self._funding(row)) is not None:
            about_money = headers.copy()
            about_money[7] = _FUNDING_SCHEMA
            value = orjson.dumps(event, option=orjson.OPT_UTC_Z)
            messages.append(Message(FUNDING, key, value, about_money))
        return messages

    def of_checkpoint(self, sealed: Sealed) -> Message:
        """The message of a signed checkpoint, with the signatures that it has by now."""
        origin = sealed.text.partition("\n")[0].encode()
        headers = [
            _SPECVERSION,
            ("ce_id", b"checkpoint/%d" % sealed.size),
            self._named,
            ("ce_type", b"ch.quartier.checkpoint.v1"),
            ("ce_subject", origin),
            ("ce_sequence", b"%020d" % sealed.size),
            _NOTE,
        ]
        if sealed.sealed_at is not None:
            headers.insert(4, ("ce_time", _instant(sealed.sealed_at)))
        return Message(CHECKPOINTS, origin, _note(sealed), headers)

    def _funding(self, row: Row) -> dict[str, Any] | None:
        _, contract, version, *_ = row
        accounts = self._accounts.get(contract)
        if accounts is None:
            earlier = partial(self._earlier, contract)
            accounts = self._accounts[contract] = Accounts(earlier)
            for recorded in earlier(version):
                accounts.take_in(recorded)
            if len(self._accounts) > CONTRACTS_KEPT:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(contract)
        return accounts.take_in(recorded_of(row))

    def _earlier(self, contract: str, version: int) -> Iterator[Recorded[Any]]:
        return self._source.history(contract, version, READ)

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
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


_SPECVERSION: Final = ("ce_specversion", b"1.0")
_CONTENT_TYPE: Final = ("content-type", b"application/json")
_NOTE: Final = ("content-type", b"text/plain; charset=utf-8")
_FUNDING_SCHEMA: Final = ("ce_dataschema", FUNDING_SCHEMA.encode())


def _note(sealed: Sealed) -> bytes:
    """The signed note, as it is stored: nothing is verified here."""
    return "\n".join((sealed.text, *sealed.lines, "")).encode()


@cache
def _ce_type(kind: type[Decision]) -> tuple[str, bytes]:
    return "ce_type", f"ch.quartier.{kind.slug}.v1".encode()


@cache
def _data_schema(kind: type[Decision]) -> tuple[str, bytes]:
    return "ce_dataschema", decision_schema_id(kind).encode()


@cache
def _is_public(kind: type[Decision]) -> bool:
    return not withheld_fields(kind) and not issubclass(kind, Correction)


def _instant(instant: datetime) -> bytes:
    """RFC 3339, in UTC, without quotes."""
    return orjson.dumps(instant, option=orjson.OPT_UTC_Z)[1:-1]
