"""Documents and rows as the database holds them, in one generation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from projections.projection import corrects
from projections.sql import cursor
from projections.table import Rows, Written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from domain.decision import Recorded
    from domain.values import ContractId
    from projections.table import Relation, Table
    from projections.view import View

Doc = TypeVar("Doc")


# --- Reading today's view -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view answers, as JSON whose texts are still references.

    `version`: of the contract, which it is up to.
    """

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
    stored = _stored(view, contract)
    return _brought_up(view, stored, history)


def answer(
    view: View[Any], contract: ContractId, history: Sequence[Recorded[Any]], today: date
) -> Answer:
    """The answer as it is now; what is stored is passed on as it is where that will do."""
    stored = _stored(view, contract)
    up_to = len(history)
    if stored is not None and stored.version >= up_to and not view.depends_on_the_day:
        return stored
    doc = _brought_up(view, stored, history)
    version = max(up_to, stored.version if stored else 0)
    return Answer(view.answer(doc, today), version)


def _stored(view: View[Any], contract: ContractId) -> Answer | None:
    """The stored document, unless another version of the program wrote it."""
    row = (
        cursor()
        .execute(
            "SELECT d.document::text, d.version FROM view_document_rows AS d"
            " JOIN projection_position AS p ON p.name = d.view AND p.generation = d.generation"
            " WHERE d.view = %s AND d.contract = %s AND p.version = %s",
            [view.name, contract, view.version],
        )
        .fetchone()
    )
    return None if row is None else Answer(row[0].encode(), row[1])


def _brought_up(view: View[Doc], stored: Answer | None, history: Sequence[Recorded[Any]]) -> Doc:
    missed = history[stored.version :] if stored else history
    if stored is None or any(corrects(type(recorded.decision)) for recorded in missed):
        return view.fold(history)
    doc = view.load(stored.json)
    for recorded in missed:
        view.apply(doc, recorded)
    return doc


# --- Documents ----------------------------------------------------------------------------------


def load_documents(
    views: Collection[View[Any]], generations: dict[str, int], contracts: Collection[ContractId]
) -> dict[tuple[str, ContractId], Answer]:
    """The stored documents of these contracts in these views."""
    names = [view.name for view in views]
    rows = cursor().execute(
        "SELECT d.view, d.contract, d.document::text, d.version FROM view_document_rows AS d"
        " JOIN unnest(%s::text[], %s::int[]) AS g (view, generation) USING (view, generation)"
        " WHERE d.contract = ANY(%s)",
        [names, [generations[name] for name in names], list(contracts)],
    )
    return {(row[0], row[1]): Answer(row[2].encode(), row[3]) for row in rows}


@dataclass(frozen=True, slots=True)
class Document:
    """A document to write; without JSON it has not changed, only the version it is up to."""

    view: str
    generation: int
    contract: ContractId
    version: int
    json: bytes | None


def save_documents(documents: Iterable[Document]) -> None:
    """Write documents, each in the place of the one before."""
    changed = [each for each in documents if each.json is not None]
    unchanged = [each for each in documents if each.json is None]
    if changed:
        cursor().execute(
            "INSERT INTO view_document_rows (view, generation, contract, version, document)"
            " SELECT * FROM unnest(%s::text[], %s::int[], %s::text[], %s::int[], %s::json[])"
            " ON CONFLICT (view, generation, contract)"
            " DO UPDATE SET version = excluded.version, document = excluded.document",
            [*_columns(changed), [each.json.decode() for each in changed if each.json is not None]],
        )
    if unchanged:
        cursor().execute(
            "UPDATE view_document_rows AS d SET version = n.version"
            " FROM unnest(%s::text[], %s::int[], %s::text[], %s::int[])"
            " AS n (view, generation, contract, version)"
            " WHERE (d.view, d.generation, d.contract) = (n.view, n.generation, n.contract)",
            _columns(unchanged),
        )


def _columns(documents: Sequence[Document]) -> list[list[Any]]:
    return [
        [each.view for each in documents],
        [each.generation for each in documents],
        [each.contract for each in documents],
        [each.version for each in documents],
    ]


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
