"""The evidence bundle of a contract: one zip that a stranger can check, offline and without us.

    README.md         what this is, in French and English
    verifier.py       checks all of it: `python3 verifier.py evidence.zip`
    key, checkpoint   the log's public keys, and the signed note over its root
    events.ndjson     a decision's entry in the log a line, as it is hashed
    payloads.ndjson   its content, as it was recorded
    proofs.ndjson     that the entry is under the root
    texts.ndjson      the free texts, those that the reader may read, with their salts
    consistency/      that the log extends the checkpoint of a size asked for
    documents/        evidence by its digest
    framework.json, schemas/, conformity.*, …    whatever the caller adds
    manifest.json     the digest of each of these

Uncompressed and undated: the same evidence is the same bytes.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.canonical import canonical
from domain.decision import decision_type
from domain.values import Audience
from infra.log import tiles
from infra.log.proofs import NotSealed, consistency, encoded, prove
from infra.store import COLUMNS
from infra.vault import may_read_restricted
from infra.verifier import verifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domain.framework import Framework
    from domain.values import ContractId
    from infra.accounts import Role
    from infra.log.tiles import Cursor

README: Final = Path(__file__).parent / "verifier" / "README.md"


class UnknownContract(LookupError):
    """There is no contract of that id."""


def bundle(
    cursor: Cursor,
    contract: ContractId,
    *,
    reader: Role | None,
    kept: int | None = None,
    files: Mapping[str, bytes] | None = None,
    documents: Iterable[tuple[str, bytes]] = (),
) -> Iterator[bytes]:
    """The bundle, piece by piece. What can go wrong goes wrong before the first piece.

    Args:
        cursor: to read with.
        contract: whose evidence it is.
        reader: who is to read it; None for anybody. Decides which texts are in it.
        kept: prove that the log extends its tree of that size.
        files: what else belongs into it, by name: the framework, the conformity report.
        documents: evidence, as its SHA-256 in hex and its bytes; read as they are written.

    Raises:
        UnknownContract: there is none of that id.
        NotSealed: its last decision is not under a signed checkpoint yet.
        ValueError: `kept` is larger than the log.
    """
    sealed = tiles.latest(cursor) or tiles.NOTHING
    rows = _rows(cursor, contract)
    if not rows:
        raise UnknownContract(contract)
    if rows[-1][0] > sealed.size:
        raise NotSealed(rows[-1][0])
    proofs = prove(cursor, sealed, rows)
    whole = {
        "README.md": README.read_bytes(),
        "verifier.py": Path(verifier.__file__).read_bytes(),
        "key": "".join(f"{key}\n" for key in sealed.keys).encode(),
        "checkpoint": str(sealed.note()).encode(),
        "events.ndjson": _lines(each.entry.encode() for each in proofs),
        "payloads.ndjson": _lines(each.payload.encode() for each in proofs),
        "proofs.ndjson": _lines(
            canonical({"hashes": encoded(each.hashes), "index": each.index}) for each in proofs
        ),
        "texts.ndjson": _lines(_texts(cursor, rows, reader)),
        **_schemas(rows),
        **(files or {}),
    }
    if kept is not None:
        proof = canonical(consistency(cursor, kept, sealed))
        whole[f"consistency/{kept}.json"] = proof
    return _written(contract, whole, documents)


def _written(
    contract: ContractId, whole: dict[str, bytes], documents: Iterable[tuple[str, bytes]]
) -> Iterator[bytes]:
    digests: dict[str, str] = {}

    def files() -> Iterator[tuple[str, bytes]]:
        for name, content in (*whole.items(), *_documents(documents)):
            digests[name] = sha256(content).hexdigest()
            yield name, content
        yield "manifest.json", verifier.manifest(contract, digests)

    return verifier.archive(files())


def _documents(documents: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    return ((f"documents/{digest}", content) for digest, content in documents)


def framework_file(framework: Framework) -> bytes:
    """A version of the Cadre, as `framework.json`."""
    return orjson.dumps(framework, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def _rows(cursor: Cursor, contract: ContractId) -> list[tuple[Any, ...]]:
    query = f"SELECT {COLUMNS} FROM event WHERE contract = %s ORDER BY version"  # noqa: S608 - constants
    return cursor.execute(query, [contract]).fetchall()


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _texts(cursor: Cursor, rows: Iterable[tuple[Any, ...]], reader: Role | None) -> Iterator[bytes]:
    """Each text that the decisions refer to: what this reader may see of it."""
    wanted = {
        reference["text"]
        for row in rows
        for reference in verifier.references(orjson.loads(row[-1]))
    }
    found = cursor.execute(
        "SELECT id::text, audience, encode(salt, 'hex'), content FROM vault_text"
        " WHERE id = ANY(%s::uuid[])",
        [sorted(wanted)],
    )
    kept = {text: rest for text, *rest in found}
    trusted = may_read_restricted(reader)
    for text in sorted(wanted):
        audience, salt, content = kept.get(text, (None, None, None))
        if content is None:
            yield canonical({"state": "erased", "text": text})
        elif trusted or audience == Audience.PUBLIC.value:
            yield canonical({"content": content, "salt": salt, "text": text})
        else:
            yield canonical({"state": "restricted", "text": text})


def _schemas(rows: Iterable[tuple[Any, ...]]) -> dict[str, bytes]:
    """The JSON Schema of the fields of each type of decision that there is."""
    kinds = sorted({row[3] for row in rows})
    return {
        f"schemas/{slug}.json": orjson.dumps(
            decision_type(slug).model_json_schema(mode="serialization"),
            option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS,
        )
        for slug in kinds
    }
