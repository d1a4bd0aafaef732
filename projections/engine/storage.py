"""Documents and rows as the database holds them, in one generation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from projections.engine.projection import corrects
from projections.engine.sql import cursor
from projections.engine.table import Rows, Written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId
    from projections.engine.table import Relation, Table
    from projections.engine.view import View

Doc = TypeVar("Doc")


# --- Reading today's view -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view answers, as JSON whose texts are still references, and the contract's version."""

    json: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is stored, and the version of the contract that changed it last."""

    json: bytes
    version: int


def current(view: View[Doc], contract: ContractId, history: Sequence[Recorded[Any]]) -> Doc:
    """The document as it is now: what is stored, and the decisions that it misses.

    Nobody ever reads a stale view, whether the projections run or not.

    Args:
        view: which.
        contract: whose.
        history: all its decisions, by version, up to the one that is to be seen.
    """
    stored, position = _stored(view, contract)
    missed = [each for each in history if each.position > position]
    return _brought_up(view, stored, missed, history)


def answer(
    view: View[Any],
    contract: ContractId,
    history: Sequence[Recorded[Any]],
    today: date,
    *,
    last: int,
) -> Answer:
    """The answer as it is now; what is stored is passed on as it is where that will do.

    Args:
        view: which.
        contract: whose.
        history: all its decisions, by version; they are read only if the document misses some.
        today: the day it is asked on.
        last: the position of the last of them.
    """
    stored, position = _stored(view, contract)
    missed = [each for each in history if each.position > position] if last > position else []
    version = max(len(history), stored.version if stored else 0)
    if stored is not None and not missed and not view.depends_on_the_day:
        return Answer(stored.json, version)
    return Answer(view.answer(_brought_up(view, stored, missed, history), today), version)


def _stored(view: View[Any], contract: ContractId) -> tuple[Stored | None, int]:
    """The stored document, and the position it is up to.

    None and 0 if there is none, or if another version of the program wrote it.
    """
    row = (
        cursor()
        .execute(
            "SELECT d.document::text, d.version, p.position FROM view_document_rows AS d"
            " JOIN projection_position AS p ON p.name = d.view AND p.generation = d.generation"
            " WHERE d.view = %s AND d.contract = %s AND p.version = %s",
            [view.name, contract, view.version],
        )
        .fetchone()
    )
    return (None, 0) if row is None else (Stored(row[0].encode(), row[1]), row[2])


def _brought_up(
    view: View[Doc],
    stored: Stored | None,
    missed: Sequence[Recorded[Any]],
    history: Sequence[Recorded[Any]],
) -> Doc:
    if stored is None or any(corrects(type(recorded.decision)) for recorded in missed):
        return view.fold(history)
    doc = view.load(stored.json)
    for recorded in missed:
        view.apply(doc, recorded)
    return doc


# --- Documents ----------------------------------------------------------------------------------


def load_documents(
    wanted: Collection[tuple[str, int, ContractId]],
) -> dict[tuple[str, ContractId], Stored]:
    """The stored documents of these views, in these generations, of these contracts."""
    if not wanted:
        return {}
    rows = cursor().execute(
        "SELECT d.view, d.contract, d.document::text, d.version FROM view_document_rows AS d"
        " JOIN unnest(%b::text[], %b::int[], %b::text[]) AS w (view, generation, contract)"
        " USING (view, generation, contract)",
        [list(column) for column in zip(*wanted, strict=True)],
    )
    return {(row[0], row[1]): Stored(row[2].encode(), row[3]) for row in rows}


@dataclass(frozen=True, slots=True)
class Document:
    """A document to write, and the version of the contract that changed it last."""

    view: str
    generation: int
    contract: ContractId
    version: int
    json: bytes


def save_documents(documents: Sequence[Document]) -> None:
    """Write documents, each in the place of the one before.

    In binary: in text form psycopg escapes every quote of every document in Python.
    """
    if documents:
        cursor().execute(
            "INSERT INTO view_document_rows (view, generation, contract, version, document)"
            " SELECT view, generation, contract, version, document::json"
            " FROM unnest(%b::text[], %b::int[], %b::text[], %b::int[], %b::text[])"
            " AS d (view, generation, contract, version, document)"
            " ON CONFLICT (view, generation, contract)"
            " DO UPDATE SET version = excluded.version, document = excluded.document",
            [
                [each.view for each in documents],
                [each.generation for each in documents],
                [each.contract for each in documents],
                [each.version for each in documents],
                [each.json.decode() for each in documents],
            ],
        )


# --- Rows ---------------------------------------------------------------------------------------


def load_rows(
    table: Table, generation: int, contracts: Collection[ContractId]
) -> dict[ContractId, Written]:
    """The rows of these contracts that handlers may read."""
    loaded = {contract: Written(table.relations) for contract in contracts}
    for relation in table.relations:
        if relation.appends:
            continue
        for contract, rows in stored_rows(relation, generation, contracts).items():
            loaded[contract][relation] = Rows(relation, rows)
    return loaded


def stored_rows(
    relation: Relation[Any], generation: int, contracts: Collection[ContractId]
) -> dict[ContractId, dict[Any, Any]]:
    """The rows of these contracts by their keys; contracts without any are left out."""
    found = cursor().execute(
        f"SELECT contract, {', '.join(relation.columns)} FROM {relation.table}"  # noqa: S608
        " WHERE generation = %s AND contract = ANY(%s)",
        [generation, list(contracts)],
    )
    stored: dict[ContractId, dict[Any, Any]] = defaultdict(dict)
    for contract, *columns in found:
        key, row = relation.of(columns)
        stored[contract][key] = row
    return stored


def are_rows(
    relation: Relation[Any], generation: int, contract: ContractId, rows: Mapping[Any, Any]
) -> bool:
    """Whether the stored rows of a contract are these. The database compares, as its types do."""
    columns = f"SELECT {', '.join(relation.columns)} FROM"
    folded = f"{columns} json_populate_recordset(NULL::{relation.table}, %s)"
    stored = f"{columns} {relation.table} WHERE generation = %s AND contract = %s"
    given = relation.as_json([(contract, *row) for row in rows.items()]).decode()
    here = [generation, contract]
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


def save_rows(table: Table, generation: int, written: dict[ContractId, Written]) -> None:
    """Write the rows that are not as they were stored, and delete those that are gone."""
    for relation in table.relations:
        changed = []
        for contract, rows in written.items():
            changed += [(contract, key, row) for key, row in rows[relation].changed()]
            if gone := rows[relation].gone():
                _delete(relation, generation, contract, gone)
        if changed:
            _upsert(relation, generation, changed)


def delete_rows(table: Table, generation: int, contracts: Collection[ContractId]) -> None:
    """Delete every row of these contracts."""
    for relation in table.relations:
        cursor().execute(
            f"DELETE FROM {relation.table} WHERE generation = %s AND contract = ANY(%s)",  # noqa: S608
            [generation, list(contracts)],
        )


def _upsert(
    relation: Relation[Any], generation: int, rows: Sequence[tuple[ContractId, Any, Any]]
) -> None:
    columns = ", ".join(relation.columns)
    conflict = ", ".join(("generation", "contract", *relation.key))
    news = ", ".join(f"{name} = excluded.{name}" for name in relation.fields)
    cursor().execute(
        f"INSERT INTO {relation.table} (generation, contract, {columns})"  # noqa: S608 - names only
        f" SELECT %s, contract, {columns} FROM json_populate_recordset(NULL::{relation.table}, %s)"
        f" ON CONFLICT ({conflict}) DO UPDATE SET {news}",
        [generation, relation.as_json(rows).decode()],
    )


def _delete(
    relation: Relation[Any], generation: int, contract: ContractId, keys: Iterable[Any]
) -> None:
    told_apart = " AND ".join(f"{name} = %s" for name in relation.key) or "true"
    cursor().executemany(
        f"DELETE FROM {relation.table}"  # noqa: S608 - names only
        f" WHERE generation = %s AND contract = %s AND {told_apart}",
        [(generation, contract, *(key if isinstance(key, tuple) else (key,))) for key in keys],
    )
