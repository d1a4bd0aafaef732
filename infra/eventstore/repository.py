"""Contracts in memory: the state that rules read, kept up with the log.

One state a contract, shared by all threads of the process under a lock of its own. It is not
copied: judging only reads it, and it takes in a decision once that decision is stored. It is
never the truth: whoever writes names the version he judged on, and the database refuses a stale
one. If anything goes wrong while it changes, it is thrown away and read anew.

Why not the library's repository: docs/adr/0003.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final

from cachetools import LRUCache
from django.db import DEFAULT_DB_ALIAS, connections

from domain.kernel.contract import Contract
from infra.conf import environment
from infra.database.connection import cursor
from infra.eventstore.store import COLUMNS, recorded_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId

CONTRACT_SIZE: Final = 4_000
EVENT_SIZE: Final = 1_300
PAYLOAD_FACTOR: Final = 6
"""Bytes in memory of a contract without decisions, of a decision without fields, and for each byte
of its stored payload: measured by type, and by the memory of a process with 60,000 decisions."""


def _size(payload: str) -> int:
    return EVENT_SIZE + PAYLOAD_FACTOR * len(payload)


class UnknownContract(LookupError):
    """No decision of that contract was ever recorded."""


class Held:
    """One contract, in the hands of one thread. At version 0 it has no history yet."""

    __slots__ = ("_contract", "id", "lock", "size")

    def __init__(self, contract_id: ContractId) -> None:
        self.id = contract_id
        self.lock = threading.RLock()
        self._contract: Contract | None = None
        self.size = CONTRACT_SIZE
        """Bytes in memory, about."""

    @property
    def contract(self) -> Contract:
        """The state as last seen, which may be behind the log."""
        if self._contract is None:
            self.catch_up()
        assert self._contract is not None  # noqa: S101 - catching up makes one
        return self._contract

    @property
    def version(self) -> int:
        """The version in memory; 0 if nothing is."""
        return 0 if self._contract is None else self._contract.version

    def catch_up(self) -> bool:
        """Take in what others have recorded since; whether there was anything."""
        before = self.version
        contract = self._contract or Contract(self.id)
        with self._change():
            for row in cursor().execute(
                f"SELECT {COLUMNS} FROM event"  # noqa: S608 - constants only
                " WHERE contract = %s AND version > %s ORDER BY version",
                (self.id, before),
                prepare=True,
            ):
                contract.evolve(recorded_of(row))
                self.size += _size(row[-1])
            self._contract = contract
        return contract.version > before

    def take_in(self, recorded: Recorded[Any]) -> None:
        """Follow with a decision that is stored now."""
        with self._change():
            self.contract.evolve(recorded)
            self.size += _size(recorded.decision.model_dump_json())

    def forget(self) -> None:
        """Read everything anew at the next use."""
        self._contract = None
        self.size = CONTRACT_SIZE

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.forget()
            raise


class Contracts:
    """The contracts last used, by database and id, as many as fit into so many bytes.

    One that does not fit alone is not kept at all, but read at each use.
    """

    def __init__(self, size: int) -> None:
        self._held: LRUCache[tuple[str, ContractId], Held] = LRUCache(
            size, getsizeof=lambda held: held.size
        )
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def hold(self, contract_id: ContractId) -> Iterator[Held]:
        """One contract, by one thread at a time.

        Inside a transaction it is read anew, and shared with nobody: what was recorded in there
        may be rolled back.
        """
        ours = connections[DEFAULT_DB_ALIAS]
        if ours.in_atomic_block:
            yield Held(contract_id)
            return
        key = (str(ours.settings_dict["NAME"]), contract_id)
        with self._lock:
            held = self._held.get(key) or Held(contract_id)
            self._keep(key, held)
        with held.lock:
            try:
                yield held
            finally:
                with self._lock:
                    if self._held.get(key) is held:
                        if held.version:
                            self._keep(key, held)
                        else:
                            del self._held[key]

    def forget(self, contract_id: ContractId | None = None) -> None:
        """Drop one contract, or all."""
        with self._lock:
            for key in [key for key in self._held if contract_id in {None, key[1]}]:
                del self._held[key]

    def _keep(self, key: tuple[str, ContractId], held: Held) -> None:
        """Count it at its present size, and drop what was not used for longest to make room."""
        try:
            self._held[key] = held
        except ValueError:  # it is larger than all that may be kept
            self._held.pop(key, None)


contracts = Contracts(environment.cache_megabytes() << 20)
"""Those of this process."""


def history_of(contract_id: ContractId) -> list[Recorded[Any]]:
    """A contract's decisions as recorded, up to now; the list is the caller's own.

    Raises:
        UnknownContract: there is none of that id.
    """
    with contracts.hold(contract_id) as held:
        held.catch_up()
        if not held.version:
            raise UnknownContract(contract_id)
        return list(held.contract.history)


def version_of(contract_id: ContractId) -> int:
    """How many decisions a contract has; its ETag. 0 if there is none of that id."""
    row = (
        cursor()
        .execute("SELECT max(version) FROM event WHERE contract = %s", [contract_id])
        .fetchone()
    )
    return (row and row[0]) or 0


def standing_of(contract_id: ContractId) -> tuple[int, int, int]:
    """How many decisions a contract has, the position of its last, and the end of the log.

    All at the same moment; 0, 0 and the end if there is none of that id.
    """
    row = (
        cursor()
        .execute(
            "SELECT coalesce(e.version, 0), coalesce(e.position, 0), l.size"
            " FROM event_log AS l LEFT JOIN LATERAL ("
            " SELECT version, position FROM event WHERE contract = %s"
            " ORDER BY version DESC LIMIT 1) AS e ON true",
            [contract_id],
        )
        .fetchone()
    )
    assert row is not None  # noqa: S101 - the log has one row
    return row[0], row[1], row[2]
