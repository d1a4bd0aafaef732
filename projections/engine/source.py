"""The decisions as read models are given them. Whoever runs the projections hands them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId


class Events(Protocol):
    """Reads the recorded decisions.

    What cannot be read (a type this program does not know, a newer schema) is raised when it is
    come to, so that what precedes it is still taken in.
    """

    def end(self) -> int:
        """The position of the last decision; 0 before the first."""
        ...

    def after(self, position: int, limit: int) -> Iterable[Recorded[Any]]:
        """Decisions of all contracts after that position, in order, at most `limit`."""
        ...

    def history(self, contract: ContractId) -> Sequence[Recorded[Any]]:
        """All decisions of one contract, by version."""
        ...

    def by_contract(self, until: int) -> Generator[Recorded[Any], None, None]:
        """All decisions up to that position, by contract and version, without holding them all."""
        ...
