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
    framework.json, schemas/, conformity.*       the law, the shapes, and the report
    manifest.json     the digest of each of these

Uncompressed and undated: the same evidence is the same bytes.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.canonical import canonical
from domain.contract import Contract
from domain.decision import decision_type
from domain.values import Audience, Bilingual
from infra import documents
from infra.contracts import UnknownContract, history_of
from infra.database import cursor
from infra.log import tiles
from infra.log.proofs import NotSealed, consistency, encoded, prove
from infra.log.sealing import wait_until_sealed
from infra.store import COLUMNS
from infra.submission import today_in_geneva
from infra.vault import may_read_restricted, render
from infra.verifier import verifier
from projections.catalogue import VIEWS
from projections.view import fold

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from domain.decision import Recorded
    from domain.framework import Framework
    from domain.values import ContractId, Language
    from infra.accounts import Role
    from infra.log.tiles import Cursor

    Report = Callable[[Sequence[Recorded[Any]], dt.date], Mapping[str, bytes]]

README: Final = Path(__file__).parent / "verifier" / "README.md"


def evidence_of(
    contract: ContractId,
    *,
    reader: Role | None,
    language: Language = "fr",
    kept: int | None = None,
    report: Report = lambda _history, _today: {},
) -> Iterator[bytes]:
    """The bundle of a contract with all that belongs into it, as `bundle` gives it.

    Waits a moment for its last decision to be sealed. `report` writes the conformity report in
    further forms, by name of the file.

    Raises:
        UnknownContract, NotSealed, ValueError: as `bundle` does.
    """
    history = history_of(contract)
    wait_until_sealed(cursor(), history[-1].position)
    framework = Contract.of(contract, history).framework
    conformity = VIEWS["conformity"]
    today = today_in_geneva(datetime.now(UTC))
    answer = orjson.loads(conformity.answer(fold(conformity, history), today))
    return bundle(
        cursor(),
        contract,
        reader=reader,
        version=len(history),
        kept=kept,
        files={
            "framework.json": framework_file(framework),
            "conformity.json": _readable(render(answer, reader=reader, language=language)),
            **report(history, today),
        },
        papers=_papers_of(history),
    )


def _papers_of(history: Iterable[Recorded[Any]]) -> Iterator[tuple[str, bytes]]:
    """The documents that decisions rest on, those that are kept here, each once."""
    named = {piece.sha256: None for each in history for piece in each.act.evidence if piece.sha256}
    for digest in named:
        with contextlib.suppress(FileNotFoundError), documents.read(digest) as file:
            yield digest, file.read()


def bundle(
    reading: Cursor,
    contract: ContractId,
    *,
    reader: Role | None,
    version: int = 2**31 - 1,
    kept: int | None = None,
    files: Mapping[str, bytes] | None = None,
    papers: Iterable[tuple[str, bytes]] = (),
) -> Iterator[bytes]:
    """The bundle, piece by piece. What can go wrong goes wrong before the first piece.

    Args:
        reading: to read with.
        contract: whose evidence it is.
        reader: who is to read it; None for anybody. Decides which texts are in it.
        version: leave out decisions after that one, which may just be being recorded.
        kept: prove that the log extends its tree of that size.
        files: what else belongs into it, by name: the framework, the conformity report.
        papers: evidence, as its SHA-256 in hex and its bytes; read as they are written.

    Raises:
        UnknownContract: there is none of that id.
        NotSealed: its last decision is not under a signed checkpoint yet.
        ValueError: `kept` is larger than the log.
    """
    sealed = tiles.latest(reading) or tiles.NOTHING
    rows = _rows(reading, contract, version)
    if not rows:
        raise UnknownContract(contract)
    if rows[-1][0] > sealed.size:
        raise NotSealed(rows[-1][0])
    proofs = prove(reading, sealed, rows)
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
        "texts.ndjson": _lines(_texts(reading, rows, reader)),
        **_schemas(rows),
        **(files or {}),
    }
    if kept is not None:
        proof = canonical(consistency(reading, kept, sealed))
        whole[f"consistency/{kept}.json"] = proof
    return _written(contract, whole, papers)


def _written(
    contract: ContractId, whole: dict[str, bytes], papers: Iterable[tuple[str, bytes]]
) -> Iterator[bytes]:
    digests: dict[str, str] = {}

    def files() -> Iterator[tuple[str, bytes]]:
        named = ((f"documents/{digest}", content) for digest, content in papers)
        for name, content in chain(whole.items(), named):
            digests[name] = sha256(content).hexdigest()
            yield name, content
        yield "manifest.json", verifier.manifest(contract, digests)

    return verifier.archive(files())


def framework_file(framework: Framework) -> bytes:
    """A version of the Cadre, as `framework.json`."""
    return _readable(framework)


def _readable(value: Any) -> bytes:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(value, default=Bilingual._asdict, option=options)


def _rows(reading: Cursor, contract: ContractId, version: int) -> list[tuple[Any, ...]]:
    query = f"SELECT {COLUMNS} FROM event WHERE contract = %s AND version <= %s ORDER BY version"  # noqa: S608 - constants
    return reading.execute(query, [contract, version]).fetchall()


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _texts(
    reading: Cursor, rows: Iterable[tuple[Any, ...]], reader: Role | None
) -> Iterator[bytes]:
    """Each text that the decisions refer to: what this reader may see of it."""
    wanted = {
        reference["text"]
        for row in rows
        for reference in verifier.references(orjson.loads(row[-1]))
    }
    found = reading.execute(
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
        f"schemas/{slug}.json": _readable(
            decision_type(slug).model_json_schema(mode="serialization")
        )
        for slug in kinds
    }
