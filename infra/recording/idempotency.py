"""The same request, sent again: recorded once, answered alike each time.

The record of a request is written in the transaction of its event, so that it tells after any
failure whether the event was stored. It has no limit of time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.database.connection import cursor
from infra.eventstore.append import KeyUsed
from infra.eventstore.store import COLUMNS, recorded_of
from infra.recording.refusals import (
    ContractExists,
    FieldError,
    InvalidFields,
    KeyReused,
    Refused,
    UnknownContract,
    VersionConflict,
)

if TYPE_CHECKING:
    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId

LONGEST_KEY: Final = 255
"""Characters."""

ANSWERED_BEFORE: Final = (
    ContractExists,
    InvalidFields,
    KeyUsed,
    Refused,
    UnknownContract,
    VersionConflict,
)
"""What a retry may run into because its first attempt succeeded."""


@dataclass(frozen=True, slots=True)
class Key:
    """An account's name for one request, and SHA-256 of that request."""

    account: str
    key: str
    digest: bytes

    def record(self, contract: ContractId, version: int) -> dict[str, Any]:
        """In the shape that `append` takes: this request recorded that event."""
        return {
            "account": self.account,
            "key": self.key,
            "digest": self.digest.hex(),
            "contract": contract,
            "version": version,
        }


def key_of(account: str, key: str | None, digest: bytes) -> Key | None:
    """The key of a request; None if it has none.

    Raises:
        InvalidFields: it is empty, too long, or holds what a header cannot.
    """
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise InvalidFields(
            [
                FieldError(
                    "",
                    "idempotency_key",
                    f"Idempotency-Key must have 1 to {LONGEST_KEY} printable characters.",
                    {"max_length": LONGEST_KEY},
                )
            ]
        )
    return Key(account, key, digest)


def digest_of(*parts: Any) -> bytes:
    """SHA-256 of a request, from its parts."""
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).digest()


def first_answer(key: Key) -> Recorded[Any] | None:
    """What a request with this key recorded; None if there was none.

    Raises:
        KeyReused: that was another request.
    """
    row = (
        cursor()
        .execute(
            f"SELECT digest, {COLUMNS} FROM idempotency JOIN event USING (contract, version)"  # noqa: S608
            " WHERE account = %s AND key = %s",
            [key.account, key.key],
        )
        .fetchone()
    )
    if row is None:
        return None
    if row[0] != key.digest:
        raise KeyReused(key.key)
    return recorded_of(row[1:])
