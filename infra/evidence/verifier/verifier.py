# ruff: noqa: D103, PLR2004, T201 - a program in one file; sizes are the specifications'
"""Checks an evidence bundle or a proof from Quartier, offline and trusting nobody.

    python3 verifier.py evidence.zip
    python3 verifier.py proof.json --key 'log.example/quartier+5ff4c1d0+AbC...'

It needs Python 3.8 or newer and nothing else; README.md says what is checked.
Exit status: 0 all of it holds, 1 something is wrong and the first thing is named, 2 used wrongly.
"""

from __future__ import annotations

import argparse
import base64
import json
import struct
import sys
import zlib
from functools import partial
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, Iterable, Iterator, Sequence  # noqa: UP035 - runs on older Pythons too

WRONG = """
unreadable | {file} ne peut être lu | {file} cannot be read
key | une clé publique n'est pas bien écrite | a public key is not well written
signature | la clé {key} n'a pas signé ce journal | the key {key} has not signed this log
entry | la décision {position} n'est pas celle scellée | decision {position} is not the one sealed
payload | le contenu de la décision {position} a changé | the content of decision {position} changed
history | une décision manque avant la {position} | a decision is missing before {position}
text | un texte de la décision {position} a changé | a text of decision {position} changed
older-tree | journal de {size}, point gardé de {kept} | log of {size}, kept checkpoint of {kept}
fork | le journal contredit le point gardé | the log contradicts the kept checkpoint
no-consistency | redemandez le dossier avec ?kept={kept} | ask for the bundle with ?kept={kept}
file | {file} a changé, manque ou est de trop | {file} changed, is missing or should not be there
archive | l'archive n'est pas telle qu'émise | the archive is not as it was issued
"""
SENTENCES = {name: (fr, en) for name, fr, en in (r.split(" | ") for r in WRONG.split("\n")[1:-1])}
unbase64 = partial(base64.b64decode, validate=True)
PARTS = "key", "checkpoint", "events.ndjson", "payloads.ndjson", "proofs.ndjson", "texts.ndjson"


class Wrong(Exception):
    """The first thing that is wrong, by its name above, with the facts."""


def demand(holds: object, fault: str, **facts: Any) -> None:
    if not holds:
        raise Wrong(fault, facts)


# Ed25519, only to verify (RFC 8032, section 5.1.7)
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    d = D * a[0] * b[0] * a[1] * b[1] % P
    divisor = pow(1 - d * d, -1, P)
    x, y = a[0] * b[1] + b[0] * a[1], a[1] * b[1] + a[0] * b[0]
    return x * (1 - d) * divisor % P, y * (1 + d) * divisor % P


def times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    if not factor:
        return (0, 1)
    half = times(factor >> 1, add(point, point))
    return add(half, point) if factor & 1 else half


def decode(data: bytes) -> tuple[int, int]:
    sign, y = divmod(int.from_bytes(data, "little"), 1 << 255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    demand(y < P and (x * x - square) % P == 0 and (x or not sign), "key")
    return (x if x & 1 == sign else P - x), y


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    (x, y), s = decode(public), int.from_bytes(signature[32:], "little")
    digest = sha512(signature[:32] + public + message).digest()
    base = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    x, y = add(times(s, base), times(int.from_bytes(digest, "little") % ORDER, (P - x, y)))
    return s < ORDER and (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# The tree (RFC 6962, section 2.1)
def way_up(index: int, size: int, whole: int = 0) -> tuple[int, list[bool]]:
    """Where the way up begins, a leaf or its subtree ending at `whole`; if siblings are left."""
    start, end, lefts = 0, size, []
    while end - start > 1 and end != whole:
        split = start + (1 << (end - start - 1).bit_length() - 1)
        lefts.append(index >= split)
        start, end = (split, end) if index >= split else (start, split)
    return start, lefts[::-1]


def climb(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The root that a leaf leads to; None if the proof is not as long as it must be."""
    _, lefts = way_up(index, size)
    if not 0 <= index < size or len(proof) != len(lefts):
        return None
    for sibling, left in zip(proof, lefts):  # noqa: B905 - of equal length
        leaf = sha256(b"\x01" + (sibling + leaf if left else leaf + sibling)).digest()
    return leaf


def extends(old: int, new: int, before: bytes, after: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves begins with all of the tree of `old`."""
    start, lefts = way_up(old - 1, new, old)
    hashes = list(proof) if start else [before, *proof]
    if not 0 < old <= new or len(hashes) != len(lefts) + 1:
        return old == 0 and not proof and before == sha256(b"").digest()
    first = second = hashes[0]
    for sibling, left in zip(hashes[1:], lefts):  # noqa: B905 - of equal length
        first = sha256(b"\x01" + sibling + first).digest() if left else first
        second = sha256(b"\x01" + (sibling + second if left else second + sibling)).digest()
    return first == before and second == after


# Checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature)
def has_signed(vkey: str, text: str, lines: Iterable[str]) -> bool:
    name, given_id, encoded = (*vkey.split("+", 2), "", "")[:3]
    data = unbase64(encoded)
    key_id = sha256(name.encode() + b"\n" + data).digest()[:4]
    demand(len(data) == 33 and data[0] in (1, 4) and key_id.hex() == given_id, "key")
    for line in lines:
        value = unbase64(line.rpartition(" ")[2])
        if line.startswith(f"— {name} ") and value[:4] == key_id:
            message, signature = text.encode(), value[4:]
            if data[0] == 4:  # a witness, who also signs the time
                time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = b"cosignature/v1\ntime %d\n" % time + message
            return len(signature) == 64 and ed25519_verifies(data[1:], message, signature)
    return False


def open_note(note: str, keys: Sequence[str], witnesses: Sequence[str] = ()) -> Any:
    """The origin, the size and the root; one of the keys and all witnesses have signed them."""
    text, _, lines = note.rpartition("\n\n")
    signed = [key for key in keys if has_signed(key, text + "\n", lines.splitlines())]
    silent = [key for key in witnesses if not has_signed(key, text + "\n", lines.splitlines())]
    origin, size, root = text.split("\n")[:3]
    demand(signed and not silent, "signature", key=(silent or [*keys])[0])
    demand(origin == signed[0].split("+")[0], "signature", key=signed[0])
    return origin, int(size), unbase64(root)


def read_decision(entry: str, payload: str, proof: Any, size: int, root: bytes) -> Any:
    """What a decision's entry says; it is under the root, and so is the content's digest."""
    index, hashes = proof["index"], [unbase64(each) for each in proof["hashes"]]
    sealed = climb(index, size, sha256(b"\x00" + entry.encode()).digest(), hashes) == root
    said = json.loads(entry) if sealed else {"position": 0}
    demand(said["position"] == index + 1, "entry", position=index + 1)
    same = sha256(payload.encode()).hexdigest() == said["payload_sha256"]
    demand(same, "payload", position=index + 1)
    return said


def references(value: Any) -> Iterator[Any]:
    """The texts that a content refers to: `{"text": id, "digest": SHA-256 of salt and text}`."""
    if isinstance(value, dict) and value.keys() == {"text", "digest"}:
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from references(each)


def check_bundle(files: dict[str, bytes], keys: Sequence[str], witnesses: Sequence[str]) -> Any:
    for name in PARTS:
        demand(name in files, "file", file=name)
    key, note, *rows = (files[name].decode(errors="replace") for name in PARTS)
    origin, size, root = open_note(note, keys or key.split(), witnesses)
    lines = [each.split("\n") for each in rows]
    entries, payloads, proofs, shown = (each[:-1] for each in lines)
    texts = {row["text"]: row for row in map(json.loads, shown)}
    contract, before = json.loads((entries or ["{}"])[0]).get("contract"), 0
    for version, entry in enumerate(entries, 1):
        proof = json.loads(proofs[version - 1])
        said = read_decision(entry, payloads[version - 1], proof, size, root)
        follows = (said["version"], said["contract"]) == (version, contract)
        demand(follows and said["position"] > before, "history", position=said["position"])
        before = said["position"]
        for reference in references(json.loads(payloads[version - 1])):
            row = texts.get(reference["text"], {"content": ""})
            salted = bytes.fromhex(row.get("salt", "")) + row.get("content", "").encode()
            same = "content" not in row or sha256(salted).hexdigest() == reference["digest"]
            demand(same, "text", position=before)
    whole = len(entries) == len(payloads) == len(proofs) and not any(each[-1] for each in lines)
    demand(entries and whole, "file", file="events.ndjson")
    known = len(texts) == len(shown) and all(f'"{text}"' in rows[1] for text in texts)
    demand(known, "file", file="texts.ndjson")
    for name in (name for name in files if name.startswith("documents/")):
        digest = sha256(files[name]).hexdigest()
        demand(name[10:] == digest and f'"{digest}"' in rows[1], "file", file=name)
    return {"contract": contract, "decisions": len(entries), "log": origin, "size": size}


def check_kept(kept: str, files: dict[str, bytes], keys: Sequence[str]) -> None:
    """The log extends a checkpoint that somebody kept from an earlier day."""
    keys = keys or files["key"].decode().split()
    _, old, before = open_note(kept, keys)
    _, size, root = open_note(files["checkpoint"].decode(), keys)
    proof = files.get(f"consistency/{old}.json")
    demand(old <= size, "older-tree", size=size, kept=old)
    demand(proof or old in (0, size), "no-consistency", kept=old)
    hashes = [unbase64(each) for each in (json.loads(proof)["hashes"] if proof else [])]
    demand(extends(old, size, before, root, hashes), "fork")


def manifest(contract: str, digests: dict[str, str]) -> bytes:
    listed = {"contract": contract, "files": digests, "format": "quartier-evidence/1"}
    return json.dumps(listed, sort_keys=True, separators=(",", ":")).encode()


def unlisted(files: dict[str, bytes]) -> str:
    """The first file that is not as the manifest has it, or not there; empty if all are."""
    now = {name: sha256(files[name]).hexdigest() for name in files if name != "manifest.json"}
    try:
        then = json.loads(files["manifest.json"])["files"].items()
        return str(min({*now.items()} ^ {*then}, default=("",))[0])
    except Exception:  # noqa: BLE001 - whatever stands in its place
        return "manifest.json"


def check_files(contract: str, files: dict[str, bytes], data: bytes) -> None:
    """Each file is the one listed, and the archive is written in the one way that there is."""
    demand(not (changed := unlisted(files)), "file", file=changed)
    listed = manifest(contract, json.loads(files["manifest.json"])["files"])
    issued = b"".join(archive({**files, "manifest.json": listed}.items()))
    demand(issued == data, "archive")


def archive(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """A zip file, neither compressed nor dated."""
    listing, count, at = b"", 0, 0
    for name, content in files:
        raw, n = name.encode(), len(content)
        head = struct.pack("<5H3L2H", 20, 2048, 0, 0, 33, zlib.crc32(content), n, n, len(raw), 0)
        yield b"PK\3\4" + head + raw + content
        listing += b"PK\1\2\x14\3" + head + struct.pack("<3H2L", 0, 0, 0, 33188 << 16, at) + raw
        count, at = count + 1, at + 30 + len(raw) + n
    yield listing + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, len(listing), at, 0)


def unpack(data: bytes) -> dict[str, bytes]:
    files, at = {}, 0
    while data[at : at + 4] == b"PK\3\4":
        packed, size, length = struct.unpack("<8xH12xLH", data[at : at + 28])
        demand(not packed, "archive")
        name, start = data[at + 30 : at + 30 + length].decode(), at + 30 + length
        files[name], at = data[start : start + size], start + size
    return files


def verify(file: Path, keys: Any = (), witnesses: Any = (), kept: Any = None) -> dict[str, Any]:
    """The verdict; any of `keys` must have signed, all `witnesses`; the log must extend `kept`."""
    data, before, files = file.read_bytes(), kept.read_text("utf-8") if kept else "", {}
    try:
        if data.startswith(b"PK"):
            files = shown = unpack(data)
            found = check_bundle(files, keys, witnesses)
            check_files(found["contract"], files, data)
        else:
            proof = json.loads(data)
            shown = {name: proof[name].encode() for name in ("key", "checkpoint")}
            opened = open_note(proof["checkpoint"], keys or proof["key"].split(), witnesses)
            said = read_decision(proof["entry"], proof["payload"], proof, *opened[1:])
            found = dict(said, log=opened[0], size=opened[1])
        if before:
            check_kept(before, shown, keys)
        return {"ok": True, **found, "fr": "tout est juste", "en": "all of it holds"}  # noqa: TRY300
    except Wrong as wrong:
        name, facts = wrong.args
    except Exception:  # noqa: BLE001 - whatever a forger thinks of
        name, facts = "unreadable", {"file": (files and unlisted(files)) or file.name}
    fr, en = (sentence.format(**facts) for sentence in SENTENCES[name])
    return {"ok": False, "fault": name, **facts, "fr": fr, "en": en}


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks evidence from Quartier.")
    parser.add_argument("file", type=Path, help="evidence.zip or proof.json")
    parser.add_argument("--key", action="append", default=[], help="public key that you trust")
    parser.add_argument("--witness", action="append", default=[], help="witness that must agree")
    parser.add_argument("--kept", type=Path, help="checkpoint that you kept from before")
    given = parser.parse_args()
    try:
        verdict = verify(given.file, given.key, given.witness, given.kept)
    except OSError as error:
        parser.error(str(error))
    print(json.dumps(verdict, indent=1, ensure_ascii=sys.stdout.encoding != "utf-8"))
    return 0 if verdict["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
