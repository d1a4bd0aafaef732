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
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.kernel.contract import Contract
from domain.kernel.decision import decision_type
from domain.kernel.values import Audience, Bilingual
from infra.database.connection import cursor
from infra.eventstore.repository import UnknownContract, history_of
from infra.eventstore.store import COLUMNS
from infra.evidence.verifier import verifier
from infra.log import tiles
from infra.log.leaf import leaf_of
from infra.log.proofs import NotSealed, audit_paths, consistency, encoded
from infra.log.sealing import wait_until_sealed
from infra.recording import documents
from infra.recording.submission import today_in_geneva
from infra.vault import may_read_restricted, render
from projections.catalogue import VIEWS
from projections.engine.view import fold

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from domain.kernel.decision import Decision, Recorded
    from domain.kernel.framework import Framework
    from domain.kernel.values import ContractId, Language
    from infra.accounts import Role
    from infra.log.tiles import Cursor, Sealed

    Report = Callable[[Sequence[Recorded[Any]], dt.date], Mapping[str, bytes]]

README: Final = Path(__file__).parent / "verifier" / "README.md"

IN_MEMORY: Final = 1024 * 1024
"""Bytes; a bundle that is larger waits in a file without a name while it is sent."""

CHUNK: Final = 64 * 1024


class BeyondTheEnd(ValueError):
    """It is to be proved that the log extends a tree which is larger than the log; its `size`."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the log has {size} decisions")
        self.size = size


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a contract as it stands: looked up, and not made into a bundle yet.

    sealed: the checkpoint that its decisions are under.
    papers: the digests of the documents that they rest on and that are kept here.
    kept: the size of the tree that the log is to extend.
    """

    contract: ContractId
    history: Sequence[Recorded[Any]]
    sealed: Sealed
    papers: Sequence[str]
    today: dt.date
    reader: Role | None
    language: Language
    kept: int | None

    @property
    def tag(self) -> str:
        """What two bundles differ in, if they do: for an ETag."""
        parts = (
            *(self.contract, len(self.history), self.today, self.language, self.kept),
            *(may_read_restricted(self.reader), self.sealed.text, *self.sealed.lines),
            *self.papers,
        )
        return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:20]

    def bundle(self, report: Report = lambda _history, _today: {}) -> Iterator[bytes]:
        """The zip, piece by piece, as `bundle` gives it.

        `report` writes the conformity report in further forms, by name of the file.
        """
        conformity = VIEWS["conformity"]
        answer = orjson.loads(conformity.answer(fold(conformity, self.history), self.today))
        framework = Contract.of(self.contract, self.history).framework
        return bundle(
            cursor(),
            self.contract,
            sealed=self.sealed,
            reader=self.reader,
            version=len(self.history),
            kept=self.kept,
            files={
                "framework.json": framework_file(framework),
                "conformity.json": _readable(
                    render(answer, reader=self.reader, language=self.language)
                ),
                **report(self.history, self.today),
            },
            papers=_read(self.papers),
        )


def evidence_of(
    contract: ContractId,
    *,
    reader: Role | None,
    language: Language = "fr",
    kept: int | None = None,
) -> Evidence:
    """The evidence of a contract, once its last decision is sealed: that is waited for a moment.

    Raises:
        UnknownContract, NotSealed, BeyondTheEnd: as `bundle` does.
    """
    history = history_of(contract)
    last = history[-1].position
    wait_until_sealed(cursor(), last)
    sealed = tiles.latest(cursor()) or tiles.NOTHING
    _demand(sealed, last, kept)
    named = {piece.sha256: None for each in history for piece in each.act.evidence if piece.sha256}
    papers = [digest for digest in named if documents.is_kept(digest)]
    today = today_in_geneva(datetime.now(UTC))
    return Evidence(contract, history, sealed, papers, today, reader, language, kept)


def _demand(sealed: Sealed, last: int, kept: int | None) -> None:
    if last > sealed.size:
        raise NotSealed(last)
    if kept is not None and kept > sealed.size:
        raise BeyondTheEnd(sealed.size)


def _read(papers: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for digest in papers:
        with contextlib.suppress(FileNotFoundError), documents.read(digest) as file:
            yield digest, file.read()


def bundle(
    reading: Cursor,
    contract: ContractId,
    *,
    reader: Role | None,
    sealed: Sealed | None = None,
    version: int = 2**31 - 1,
    kept: int | None = None,
    files: Mapping[str, bytes] | None = None,
    papers: Iterable[tuple[str, bytes]] = (),
) -> Iterator[bytes]:
    """The bundle, piece by piece. What can go wrong goes wrong before the first piece.

    All but the papers is written before that, one file after the other; while it is sent,
    memory holds little of it, or one of the papers.

    Args:
        reading: to read with.
        contract: whose evidence it is.
        reader: who is to read it; None for anybody. Decides which texts are in it.
        sealed: the checkpoint to prove it under; by default the latest.
        version: leave out decisions after that one, which may just be being recorded.
        kept: prove that the log extends its tree of that size.
        files: what else belongs into it, by name: the framework, the conformity report.
        papers: evidence, as its SHA-256 in hex and its bytes; read as they are sent.

    Raises:
        UnknownContract: there is none of that id.
        NotSealed: its last decision is not under a signed checkpoint yet.
        BeyondTheEnd: `kept` is larger than the log.
    """
    sealed = sealed or tiles.latest(reading) or tiles.NOTHING
    rows = _rows(reading, contract, version)
    if not rows:
        raise UnknownContract(contract)
    _demand(sealed, rows[-1][0], kept)
    whole: dict[str, Callable[[], bytes]] = {
        "README.md": README.read_bytes,
        "verifier.py": Path(verifier.__file__).read_bytes,
        "key": "".join(f"{key}\n" for key in sealed.keys).encode,
        "checkpoint": str(sealed.note()).encode,
        "events.ndjson": lambda: _lines(leaf_of(row).entry() for row in rows),
        "payloads.ndjson": lambda: _lines(row[-1].encode() for row in rows),
        "proofs.ndjson": lambda: _lines(_proofs(reading, sealed, rows)),
        "texts.ndjson": lambda: _lines(_texts(reading, rows, reader)),
        **_schemas(rows),
        **{name: partial(bytes, content) for name, content in (files or {}).items()},
    }
    if kept is not None:
        whole[f"consistency/{kept}.json"] = lambda: orjson.dumps(
            consistency(reading, kept, sealed), option=orjson.OPT_SORT_KEYS
        )
    return _written(contract, whole, papers)


def _written(
    contract: ContractId,
    whole: dict[str, Callable[[], bytes]],
    papers: Iterable[tuple[str, bytes]],
) -> Iterator[bytes]:
    digests: dict[str, str] = {}
    count = len(whole)

    def files() -> Iterator[tuple[str, bytes]]:
        # What was written is let go of: memory is not to hold it as long as it is being sent.
        made = ((name, whole.pop(name)()) for name in list(whole))
        named = ((f"documents/{digest}", content) for digest, content in papers)
        for name, content in chain(made, named):
            digests[name] = sha256(content).hexdigest()
            yield name, content
        yield "manifest.json", verifier.manifest(contract, digests)

    pieces = verifier.archive(files())
    spool = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed when it was sent
    spool.writelines(islice(pieces, count))
    spool.seek(0)
    return _sent(spool, pieces)


def _sent(spool: SpooledTemporaryFile[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    with spool:
        yield from iter(partial(spool.read, CHUNK), b"")
    yield from rest


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
    # Copied each: what orjson gives holds 4 KB, however short it is.
    return b"".join(line + b"\n" for line in lines)


def _proofs(reading: Cursor, sealed: Sealed, rows: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
    """That each entry is under the root."""
    indices = [row[0] - 1 for row in rows]
    for index, path in zip(indices, audit_paths(reading, sealed, indices), strict=True):
        yield orjson.dumps({"hashes": encoded(path), "index": index})


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
            yield orjson.dumps({"state": "erased", "text": text})
        elif trusted or audience == Audience.PUBLIC.value:
            yield orjson.dumps({"content": content, "salt": salt, "text": text})
        else:
            yield orjson.dumps({"state": "restricted", "text": text})


def _schemas(rows: Iterable[tuple[Any, ...]]) -> dict[str, Callable[[], bytes]]:
    """The JSON Schema of the fields of each type of decision that there is."""
    kinds = sorted({row[3] for row in rows})
    return {f"schemas/{slug}.json": partial(_schema, decision_type(slug)) for slug in kinds}


@cache
def _schema(kind: type[Decision]) -> bytes:
    return _readable(kind.model_json_schema(mode="serialization"))
