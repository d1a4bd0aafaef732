"""Whether the read models say what the events say: everything is folded again and compared.

It reads one instant of the database, whatever goes on meanwhile.
"""

from __future__ import annotations

import contextlib
import itertools
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction

from infra.database import cursor
from infra.integrity import Finding
from infra.source import StoredEvents
from projections.catalogue import PROJECTIONS
from projections.positions import Position, positions
from projections.table import Table
from projections.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from domain.decision import Recorded
    from domain.values import ContractId
    from projections.table import Relation


def differences(progress: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
    """Every read model that is not the fold of the events it has taken in.

    Args:
        progress: told how many events have been folded.
    """
    with transaction.atomic():
        cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        known = positions()
        for position in known.values():
            if position.stopped_at is not None:
                yield Finding(
                    "read-models",
                    f"{position.name} is stopped before event {position.stopped_at}: "
                    f"{position.error}.",
                )
        comparing = [each for position in known.values() if (each := _comparing(position))]
        done = 0
        end = StoredEvents().end()
        with contextlib.closing(StoredEvents().by_contract(end)) as events:
            for contract, decisions in itertools.groupby(events, key=attrgetter("contract")):
                history = list(decisions)
                for compare in comparing:
                    yield from compare(contract, history)
                done += len(history)
                progress(done)


def _comparing(
    position: Position,
) -> Callable[[ContractId, list[Recorded[Any]]], Iterator[Finding]] | None:
    projection = PROJECTIONS.get(position.name)
    if projection is None or projection.version != position.version:
        return None  # of another version of the program: it is not read

    def compare(contract: ContractId, history: list[Recorded[Any]]) -> Iterator[Finding]:
        taken_in = [each for each in history if each.position <= position.position]
        state = projection.fold(taken_in)
        if isinstance(projection, View):
            same = _document(position, contract) == (projection.dump(state) if taken_in else None)
        else:
            assert isinstance(projection, Table)  # noqa: S101 - there are two shapes and no third
            same = all(
                _are_rows(relation, position, contract, state[relation])
                for relation in projection.relations
            )
        if not same:
            yield Finding(
                "read-models",
                f"{projection.name} of {contract} is not the fold of its events: "
                f"quartier rebuild {projection.name}",
            )

    return compare


def _document(position: Position, contract: ContractId) -> bytes | None:
    row = (
        cursor()
        .execute(
            "SELECT document::text FROM view_document_rows"
            " WHERE view = %s AND generation = %s AND contract = %s",
            [position.name, position.generation, contract],
        )
        .fetchone()
    )
    return None if row is None else str(row[0]).encode()


def _are_rows(
    relation: Relation[Any], position: Position, contract: ContractId, rows: Mapping[Any, Any]
) -> bool:
    """Whether the stored rows are these. The database compares, as its types do."""
    columns = f"SELECT {', '.join(relation.columns)} FROM"
    folded = f"{columns} json_populate_recordset(NULL::{relation.table}, %s)"
    stored = f"{columns} {relation.table} WHERE generation = %s AND contract = %s"
    given = relation.as_json([(contract, *row) for row in rows.items()]).decode()
    here = [position.generation, contract]
    row = (
        cursor()
        .execute(
            f"SELECT (SELECT count(*) FROM ({stored}) AS s), (SELECT count(*) FROM ("  # noqa: S608
            f" SELECT to_jsonb(f) FROM ({folded}) AS f EXCEPT"
            f" SELECT to_jsonb(s) FROM ({stored}) AS s) AS d)",
            [*here, given, *here],
        )
        .fetchone()
    )
    return row == (len(rows), 0)
