"""A contract's history that is read when somebody looks into it, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from infra.eventstore.repository import UnknownContract, history_of, standing_of

if TYPE_CHECKING:
    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId


class History(Sequence["Recorded[Any]"]):
    """All decisions of one contract up to now, by version; its length costs one look-up.

    Today's view is stored, so that most readers never need the decisions themselves. `last` is the
    position of the last of them, and `end` that of the log when the length was looked up.

    Raises:
        UnknownContract: there is none of that id.
    """

    def __init__(self, contract: ContractId) -> None:
        self.contract = contract
        self.version, self.last, self.end = standing_of(contract)
        if not self.version:
            raise UnknownContract(contract)

    @cached_property
    def _decisions(self) -> list[Recorded[Any]]:
        """Those that there were when the length was looked up."""
        return history_of(self.contract)[: self.version]

    def __len__(self) -> int:
        return self.version

    @overload
    def __getitem__(self, place: int) -> Recorded[Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[Recorded[Any]]: ...
    def __getitem__(self, place: int | slice) -> Recorded[Any] | list[Recorded[Any]]:
        if isinstance(place, slice) and (place.start or 0) >= self.version:
            return []
        return self._decisions[place]
