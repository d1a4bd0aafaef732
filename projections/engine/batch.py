"""Taking in a batch of decisions: fold them in memory, then write once for each contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from projections.engine.projection import corrects
from projections.engine.storage import (
    Document,
    Stored,
    delete_rows,
    load_documents,
    load_rows,
    save_documents,
    save_rows,
)
from projections.engine.table import Table
from projections.engine.view import View

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId
    from projections.engine.projection import Projection
    from projections.engine.source import Events
    from projections.engine.table import Written

Batch = dict["ContractId", "list[Recorded[Any]]"]


class Poisoned(Exception):
    """A read model cannot take in a decision."""

    def __init__(self, projection: Projection[Any], recorded: Recorded[Any]) -> None:
        super().__init__(f"{projection.name} at position {recorded.position}")
        self.projection = projection
        self.recorded = recorded


@dataclass(slots=True)
class Work:
    """What is to be written once a batch is folded."""

    documents: list[Document] = field(default_factory=list)
    rows: list[tuple[Table, int, dict[ContractId, Written]]] = field(default_factory=list)
    anew: list[tuple[Table, int, list[ContractId]]] = field(default_factory=list)

    def write(self) -> None:
        """Write it all, in this thread's transaction."""
        for table, generation, contracts in self.anew:
            delete_rows(table, generation, contracts)
        save_documents(self.documents)
        for table, generation, written in self.rows:
            save_rows(table, generation, written)


def by_contract(batch: Sequence[Recorded[Any]]) -> Batch:
    """The decisions of each contract, in order."""
    grouped: Batch = {}
    for recorded in batch:
        grouped.setdefault(recorded.contract, []).append(recorded)
    return grouped


class Folding:
    """The folding of one batch into several read models.

    Args:
        events: where the whole history of a contract is read from, if it must be folded anew.
        batch: decisions in order, following all that is stored.
        generations: the generation to read and to write, by the name of the read model.
    """

    def __init__(
        self, events: Events, batch: Sequence[Recorded[Any]], generations: dict[str, int]
    ) -> None:
        self.events = events
        self.batch = batch
        self.generations = generations
        self._histories: dict[ContractId, Sequence[Recorded[Any]]] = {}
        self._documents: dict[tuple[str, ContractId], Stored] = {}

    def load(self, views: Collection[View[Any]]) -> None:
        """Read at once the stored documents that the batch goes on from, of all these views."""
        wanted = [
            (view.name, self.generations[view.name], contract)
            for contract, decisions in by_contract(self.batch).items()
            if decisions[0].version > 1 and not _needs_anew(decisions)
            for view in views
            if view.changed_at(decisions) is not None
        ]
        self._documents = load_documents(wanted)

    def fold(self, projection: Projection[Any], work: Work, batch: Sequence[Recorded[Any]]) -> None:
        """Fold these decisions of the batch, its beginning or all of it, and note what to write.

        Raises:
            Poisoned: a handler raised; nothing was noted.
        """
        if isinstance(projection, View):
            work.documents += self._fold_view(projection, by_contract(batch))
        elif isinstance(projection, Table):
            self._fold_table(projection, by_contract(batch), work)

    def _history(self, contract: ContractId, until: Recorded[Any]) -> Sequence[Recorded[Any]]:
        """The contract's history up to that decision."""
        if contract not in self._histories:
            self._histories[contract] = self.events.history(contract)
        return self._histories[contract][: until.version]

    def _anew(self, projection: Projection[Any], decisions: list[Recorded[Any]]) -> Any:
        """The state folded from the whole history; what poisons it is what made us fold anew."""
        last = decisions[-1]
        cause = next((each for each in decisions if corrects(type(each.decision))), decisions[0])
        history = self._history(last.contract, last)
        try:
            return projection.fold(history)
        except Exception as error:
            raise Poisoned(projection, cause) from error

    def _on(self, projection: Projection[Any], state: Any, decisions: list[Recorded[Any]]) -> None:
        for recorded in decisions:
            try:
                projection.apply(state, recorded)
            except Exception as error:
                raise Poisoned(projection, recorded) from error

    def _fold_view(self, view: View[Any], batch: Batch) -> list[Document]:
        generation = self.generations[view.name]
        documents = []
        for contract, decisions in batch.items():
            version = view.changed_at(decisions)
            if version is None:
                continue
            first = decisions[0].version
            stored = self._documents.get((view.name, contract))
            if first == 1 and not _needs_anew(decisions):
                doc = view.begin()
                self._on(view, doc, decisions)
            elif stored is None or stored.version >= first or _needs_anew(decisions):
                doc = self._anew(view, decisions)
            else:
                doc = view.load(stored.json)
                self._on(view, doc, decisions)
            documents.append(Document(view.name, generation, contract, version, view.dump(doc)))
        return documents

    def _fold_table(self, table: Table, batch: Batch, work: Work) -> None:
        generation = self.generations[table.name]
        anew = [contract for contract, each in batch.items() if _needs_anew(each)]
        onwards = [
            contract
            for contract, each in batch.items()
            if contract not in anew and table.changed_at(each) is not None
        ]
        written = load_rows(table, generation, onwards) if onwards else {}
        for contract in onwards:
            self._on(table, written[contract], batch[contract])
        for contract in anew:
            written[contract] = self._anew(table, batch[contract])
        if anew:
            work.anew.append((table, generation, anew))
        work.rows.append((table, generation, written))


def _needs_anew(decisions: list[Recorded[Any]]) -> bool:
    return any(corrects(type(each.decision)) for each in decisions)
