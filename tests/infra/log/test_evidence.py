"""A bundle and a proof can be checked by a stranger, and nothing in them can be changed."""

import json
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from datetime import UTC, datetime
from functools import partial
from html import unescape
from io import BytesIO
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.resources.report import report_files
from infra.accounts import Role
from infra.eventstore.repository import UnknownContract
from infra.evidence import bundle as evidence
from infra.evidence.verifier import verifier
from infra.evidence.verifier.verifier import verify
from infra.exchange.importing import import_file
from infra.log import merkle, tiles
from infra.log.keys import LogKeys, read_keys
from infra.log.notes import Checkpoint, Note
from infra.log.proofs import NoSuchPosition, NotSealed, proof
from infra.log.sealing import seal_all
from infra.vault import erase_text

EXAMPLE = Path(evidence.__file__).parents[1] / "exchange" / "examples" / "paquis.ndjson"


@pytest.fixture
def paquis(database, key_file):
    """The example contract, recorded and sealed."""
    with EXAMPLE.open("rb") as lines:
        assert not import_file(lines, now=datetime.now(UTC)).faulty
    return seal_all(key_file)


def written(file, contract="paquis", **asked):
    found = evidence.evidence_of(contract, **{"reader": None} | asked)
    file.write_bytes(b"".join(found.bundle(partial(report_files, contract, None))))
    return file


def read(file):
    return verifier.unpack(file.read_bytes())


def forged(file, given=None, /, **changed):
    """The bundle with other files, its manifest and archive put right again."""
    files = read(file)
    files.pop("manifest.json")
    files |= given or {}
    files |= {
        name.replace("__", "/").replace("_", "."): content for name, content in changed.items()
    }
    digests = {name: verifier.sha256(content).hexdigest() for name, content in files.items()}
    manifest = verifier.manifest("paquis", digests)
    other = file.with_name("forged.zip")
    other.write_bytes(b"".join(verifier.archive([*files.items(), ("manifest.json", manifest)])))
    return other


def lines(content):
    return content.decode().splitlines()


def joined(rows):
    return "".join(f"{row}\n" for row in rows).encode()


# --- Bundles --------------------------------------------------------------------------------------


def test_a_bundle_holds_what_is_needed_and_verifies(paquis, key_file, tmp_path):
    file = written(tmp_path / "evidence.zip")
    verdict = verify(file, [str(key) for key in read_keys(key_file).active])
    assert verdict["ok"], verdict
    assert verdict["contract"] == "paquis"
    assert verdict["size"] == paquis.size
    names = set(zipfile.ZipFile(file).namelist())
    assert set(verifier.PARTS) <= names
    assert {"README.md", "verifier.py", "framework.json", "conformity.json"} <= names
    assert zipfile.ZipFile(file).testzip() is None
    assert json.loads(read(file)["framework.json"])["version"] == "cadre-2014"
    assert len(lines(read(file)["events.ndjson"])) == verdict["decisions"]


def test_the_conformity_report_is_in_it_in_each_form_and_language(paquis, tmp_path):
    """The page needs no network, and says what the JSON says."""
    files = read(written(tmp_path / "evidence.zip"))
    told = json.loads(files["conformity.json"])["requirements"]
    for language in ("fr", "en"):
        page = files[f"conformity.{language}.html"].decode()
        assert f'<html lang="{language}">' in page
        assert not re.search(r"(?:href|src)=\"(?!#)|url\(|<script|<link|@import", page)
        table = files[f"conformity.{language}.csv"].decode("utf-8-sig")
        for each in told:
            assert each[language] in unescape(page)
            assert each[language] in table


def test_the_same_evidence_is_the_same_bytes(paquis, tmp_path):
    once, again = written(tmp_path / "a.zip"), written(tmp_path / "b.zip")
    assert once.read_bytes() == again.read_bytes()


def test_it_verifies_on_a_machine_that_knows_nothing_of_us(paquis, tmp_path):
    """With the verifier out of the bundle, in a bare virtual environment."""
    file = written(tmp_path / "evidence.zip")
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    with zipfile.ZipFile(file) as bundle:
        bundle.extract("verifier.py", tmp_path)
    python = tmp_path / "bare" / "bin" / "python"

    def run(*arguments):
        return subprocess.run(
            [python, "-I", "-W", "error", tmp_path / "verifier.py", *arguments],
            cwd="/",
            env={},
            capture_output=True,
            check=False,
            text=True,
        )

    good = run(file)
    assert good.returncode == 0, good.stdout + good.stderr
    assert json.loads(good.stdout) == verify(file)
    bad = run(forged(file, payloads_ndjson=read(file)["payloads.ndjson"].replace(b"a", b"e", 1)))
    assert bad.returncode == 1
    assert json.loads(bad.stdout)["fault"] == "payload"
    assert run(tmp_path / "absent.zip").returncode == 2
    assert run().returncode == 2


def test_the_verifier_is_short_and_needs_nothing():
    source = Path(verifier.__file__).read_text()
    assert len(source.splitlines()) < 300
    imported = {
        line.split()[1] for line in source.splitlines() if line.startswith(("import ", "from "))
    }
    assert imported <= sys.stdlib_module_names | {"__future__"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_a_bundle_with_one_flipped_bit_does_not_verify(bundle_file, data):
    whole = bundle_file.read_bytes()
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    flipped = bytearray(whole)
    flipped[at] ^= 1 << bit
    other = bundle_file.with_name("flipped.zip")
    other.write_bytes(flipped)
    verdict = verify(other)
    assert not verdict["ok"]
    assert verdict["fault"] in verifier.SENTENCES
    assert verdict["fr"]
    assert verdict["en"]


def test_a_flipped_byte_in_any_file_is_found_and_that_file_named(bundle_file):
    """In each of them, at its ends and in between; nothing else in the archive is put right."""
    whole = bundle_file.read_bytes()
    other = bundle_file.with_name("flipped.zip")
    random = Random(20141231)  # noqa: S311 - the same places each time
    seen = set()
    for info in zipfile.ZipFile(bundle_file).infolist():
        start = info.header_offset + 30 + len(info.filename)
        places = {0, info.file_size - 1, random.randrange(info.file_size)}
        for place in places:
            flipped = bytearray(whole)
            flipped[start + place] ^= 1 << random.randrange(8)
            other.write_bytes(flipped)
            verdict = verify(other)
            assert not verdict["ok"], (info.filename, place)
            assert names(verdict, info.filename), (info.filename, place, verdict)
        seen.add(info.filename)
    assert len(seen) > 60


SAID_OTHERWISE = {
    "key": {"key", "signature"},
    "checkpoint": {"signature", "entry"},
    "events.ndjson": {"entry", "payload", "history"},
    "payloads.ndjson": {"payload"},
    "proofs.ndjson": {"entry"},
    "texts.ndjson": {"text"},
}
"""Where a verdict says which signature, decision or text it is instead of which file."""


def names(verdict, file):
    """Whether a verdict is about that file. One that differs from the manifest may be either."""
    if file == "manifest.json":
        return verdict["fault"] in {"file", "unreadable"} and "file" in verdict
    return verdict.get("file") == file or verdict["fault"] in SAID_OTHERWISE.get(file, ())


@pytest.fixture
def bundle_file(paquis, tmp_path):
    return written(tmp_path / "evidence.zip")


def test_a_bundle_that_was_cut_or_extended_does_not_verify(bundle_file):
    whole = bundle_file.read_bytes()
    for other in (whole[:-1], whole + b"\0", whole[: len(whole) // 2], b"PK", b"", whole * 2):
        file = bundle_file.with_name("other.zip")
        file.write_bytes(other)
        assert not verify(file)["ok"]


# --- What a forger might do, manifest and archive included ----------------------------------------


def test_an_altered_entry_is_named(bundle_file):
    rows = lines(read(bundle_file)["events.ndjson"])
    rows[4] = rows[4].replace('"recorded_by":"', '"recorded_by":"x')
    verdict = verify(forged(bundle_file, events_ndjson=joined(rows)))
    assert (verdict["fault"], verdict["position"]) == ("entry", 5)


def test_an_altered_payload_is_named(bundle_file):
    rows = lines(read(bundle_file)["payloads.ndjson"])
    rows[2] = rows[2].replace("{", '{"more":1,', 1)
    verdict = verify(forged(bundle_file, payloads_ndjson=joined(rows)))
    assert (verdict["fault"], verdict["position"]) == ("payload", 3)


def test_a_decision_left_out_is_noticed(bundle_file):
    files = read(bundle_file)
    names = ("events.ndjson", "payloads.ndjson", "proofs.ndjson")
    shorter = {
        name: joined(row for n, row in enumerate(lines(files[name])) if n != 3) for name in names
    }
    other = forged(
        bundle_file,
        events_ndjson=shorter["events.ndjson"],
        payloads_ndjson=shorter["payloads.ndjson"],
        proofs_ndjson=shorter["proofs.ndjson"],
    )
    verdict = verify(other)
    assert (verdict["fault"], verdict["position"]) == ("history", 5)


def test_decisions_in_another_order_are_noticed(bundle_file):
    files = read(bundle_file)
    swapped = {}
    for name in ("events.ndjson", "payloads.ndjson", "proofs.ndjson"):
        rows = lines(files[name])
        rows[2], rows[3] = rows[3], rows[2]
        swapped[name.replace(".", "_")] = joined(rows)
    assert verify(forged(bundle_file, **swapped))["fault"] == "history"


def test_an_altered_text_is_noticed(bundle_file):
    rows = lines(read(bundle_file)["texts.ndjson"])
    shown = next(n for n, row in enumerate(rows) if "content" in row)
    rows[shown] = rows[shown].replace('"content":"', '"content":"Pas ')
    assert verify(forged(bundle_file, texts_ndjson=joined(rows)))["fault"] == "text"
    del rows[shown]
    assert verify(forged(bundle_file, texts_ndjson=joined(rows)))["fault"] == "text"


def test_what_stands_beside_the_decisions_is_noticed(bundle_file):
    """Lines that no decision covers, texts and documents that none of them names."""
    files = read(bundle_file)
    text = '{"content":"Inventé","salt":"00","text":"00000000-0000-4000-8000-000000000000"}\n'
    paper = verifier.sha256(b"forged").hexdigest()
    for name, content, fault, file in (
        ("events.ndjson", b"", "file", "events.ndjson"),
        ("payloads.ndjson", files["payloads.ndjson"] + b"{}\n", "file", "events.ndjson"),
        ("proofs.ndjson", files["proofs.ndjson"] + b"{}\n", "file", "events.ndjson"),
        ("events.ndjson", files["events.ndjson"] + b"{}", "file", "events.ndjson"),
        ("texts.ndjson", files["texts.ndjson"] + text.encode(), "file", "texts.ndjson"),
        ("texts.ndjson", files["texts.ndjson"] * 2, "file", "texts.ndjson"),
        (f"documents/{paper}", b"forged", "file", f"documents/{paper}"),
    ):
        verdict = verify(forged(bundle_file, {name: content}))
        assert (verdict.get("fault"), verdict.get("file")) == (fault, file), (name, verdict)


def test_a_contract_without_decisions_is_no_evidence(bundle_file):
    none = {f"{name}.ndjson": b"" for name in ("events", "payloads", "proofs", "texts")}
    assert verify(forged(bundle_file, none))["fault"] == "file"


def test_an_entry_that_says_another_position_than_its_own_is_not_accepted(sealed, cursor):
    """Even if the log itself had sealed it so."""
    sealed(3)
    whole = proof(cursor, 2)
    other = whole.entry.replace('"position":2', '"position":3')
    leaf = merkle.leaf_hash(other.encode())
    with pytest.raises(verifier.Wrong):
        verifier.read_decision(other, whole.payload, {"index": 0, "hashes": []}, 1, leaf)


def test_a_checkpoint_of_another_key_is_not_accepted(bundle_file, key_file):
    """Who signs everything anew with a key of his own convinces nobody who knows ours."""
    files = read(bundle_file)
    note = Note.parse(files["checkpoint"])
    intruder = LogKeys.generate(Checkpoint.parse(note.text).origin)
    signed = Note(note.text, tuple(key.sign(note.text) for key in intruder.signing))
    other = forged(
        bundle_file, checkpoint=str(signed).encode(), key=f"{intruder.active[0]}\n".encode()
    )
    assert verify(other)["ok"], "it is whole, under its own key"
    ours = str(read_keys(key_file).active[0])
    assert verify(other, [ours])["fault"] == "signature"
    assert verify(bundle_file, [ours])["ok"]
    mixed = forged(bundle_file, checkpoint=str(signed).encode())
    assert verify(mixed)["fault"] == "signature"


def test_files_that_were_changed_taken_or_added_are_named(bundle_file):
    files = read(bundle_file)
    for name in ("README.md", "framework.json", "conformity.json"):
        for changed in ({**files, name: b"x"}, {n: c for n, c in files.items() if n != name}):
            other = bundle_file.with_name("other.zip")
            other.write_bytes(b"".join(verifier.archive(changed.items())))
            verdict = verify(other)
            assert (verdict["fault"], verdict["file"]) == ("file", name)
    other.write_bytes(b"".join(verifier.archive({**files, "more.txt": b""}.items())))
    assert verify(other)["file"] == "more.txt"


def test_a_missing_part_is_named(bundle_file):
    for name in verifier.PARTS:
        files = read(bundle_file)
        del files[name]
        other = bundle_file.with_name("other.zip")
        other.write_bytes(b"".join(verifier.archive(files.items())))
        verdict = verify(other)
        assert (verdict["fault"], verdict["file"]) == ("file", name)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_written_by_another_program_is_not_as_issued(bundle_file, compression):
    again = BytesIO()
    with zipfile.ZipFile(again, "w", compression) as bundle:
        for name, content in read(bundle_file).items():
            bundle.writestr(name, content)
    other = bundle_file.with_name("other.zip")
    other.write_bytes(again.getvalue())
    assert verify(other)["fault"] == "archive"


# --- What somebody with every right did in the database -------------------------------------------


@pytest.mark.parametrize(
    ("statement", "fault", "position"),
    [
        ("UPDATE event SET payload = '{\"data\":{}}' WHERE position = 3", "entry", 3),
        ("UPDATE event SET recorded_by = 'somebody' WHERE position = 4", "entry", 4),
        ("UPDATE event SET decided_on = decided_on - 1 WHERE position = 118", "entry", 118),
        ("DELETE FROM event WHERE position = 5", "history", 6),
        ("UPDATE event SET position = 100000 - position WHERE position = 3", "entry", None),
        (
            (
                "UPDATE event e SET payload = o.payload, type = o.type, body = o.body FROM event o"
                " WHERE (e.position, o.position) IN ((3, 4), (4, 3))"
            ),
            "entry",
            3,
        ),
    ],
)
def test_a_bundle_out_of_an_altered_database_does_not_verify(
    paquis, cursor, intruder, tmp_path, statement, fault, position
):
    intruder.execute(statement)
    file = tmp_path / "evidence.zip"
    try:
        file.write_bytes(b"".join(evidence.bundle(cursor, "paquis", reader=None)))
    except (LookupError, ValueError):
        assert position is None, "only what is nowhere in the log cannot be proved at all"
        return
    verdict = verify(file)
    assert (verdict["fault"], verdict["position"]) == (fault, position)


# --- Who may read what ----------------------------------------------------------------------------


def test_restricted_texts_are_for_those_who_may_read_them(paquis, tmp_path):
    shown = {}
    for role in (None, Role.FINANCE, Role.SERVICE, Role.AUDITOR, Role.COORDINATOR):
        file = written(tmp_path / "evidence.zip", reader=role)
        assert verify(file)["ok"]
        rows = map(orjson.loads, read(file)["texts.ndjson"].splitlines())
        shown[role] = sum("content" in row for row in rows)
    assert shown[None] == shown[Role.FINANCE] == shown[Role.SERVICE]
    assert shown[Role.AUDITOR] == shown[Role.COORDINATOR] >= shown[None] > 0


def test_an_erased_text_leaves_a_bundle_that_verifies(paquis, tmp_path):
    file = written(tmp_path / "evidence.zip", reader=Role.AUDITOR)
    rows = [orjson.loads(row) for row in read(file)["texts.ndjson"].splitlines()]
    erased = next(row for row in rows if "content" in row)
    erase_text(erased["text"])
    file = written(tmp_path / "evidence.zip", reader=Role.AUDITOR)
    assert verify(file)["ok"]
    assert erased["content"].encode() not in read(file)["texts.ndjson"]
    assert {"state": "erased", "text": erased["text"]} in [
        orjson.loads(row) for row in read(file)["texts.ndjson"].splitlines()
    ]


def test_documents_are_compared_with_their_digest(database, cursor, key_file, record, tmp_path):
    digest, file = verifier.sha256(b"PV 3").hexdigest(), tmp_path / "evidence.zip"
    record(1, evidence=[{"sha256": digest, "title": "PV 3"}])
    seal_all(key_file)
    for papers, fault in (
        ([(digest, b"PV 3")], None),
        ([(digest, b"PV 4")], "file"),
        ([(verifier.sha256(b"PV 4").hexdigest(), b"PV 4")], "file"),
    ):
        pieces = evidence.bundle(cursor, "paquis", reader=None, papers=papers)
        file.write_bytes(b"".join(pieces))
        assert verify(file).get("fault") == fault


# --- A checkpoint that was kept -------------------------------------------------------------------


@pytest.fixture
def grown(paquis, record, key_file, tmp_path):
    """The log after more was recorded; the checkpoint from before, in a file."""
    kept = tmp_path / "checkpoint"
    kept.write_text(str(paquis.note()))
    record(40, "grottes")
    seal_all(key_file)
    return kept


def test_a_bundle_shows_that_the_log_extends_a_kept_checkpoint(paquis, grown, tmp_path):
    file = written(tmp_path / "evidence.zip", kept=paquis.size)
    assert verify(file, kept=grown)["ok"]
    file = written(tmp_path / "evidence.zip")
    verdict = verify(file, kept=grown)
    assert (verdict["fault"], verdict["kept"]) == ("no-consistency", paquis.size)


def test_a_fork_contradicts_the_kept_checkpoint(paquis, grown, key_file, tmp_path):
    text = Checkpoint("log.example/quartier", paquis.size, bytes(32)).text()
    other = Note(text, tuple(key.sign(text) for key in read_keys(key_file).signing))
    grown.write_text(str(other))
    file = written(tmp_path / "evidence.zip", kept=paquis.size)
    assert verify(file, kept=grown)["fault"] == "fork"


def test_an_older_tree_is_found_with_a_newer_checkpoint(paquis, grown, cursor, tmp_path):
    older = written(tmp_path / "older.zip")
    newer = tmp_path / "newer"
    newer.write_text(str(tiles.latest(cursor).note()))
    assert verify(older, kept=newer)["ok"], "the same tree"
    kept = grown.read_text()
    newer_files = read(older) | {"checkpoint": kept.encode()}
    shown = older.with_name("shown.zip")
    shown.write_bytes(b"".join(verifier.archive(newer_files.items())))
    assert not verify(shown, kept=newer)["ok"]


# --- Proofs ---------------------------------------------------------------------------------------


def test_a_proof_stands_alone(sealed, cursor, key_file, tmp_path):
    sealed(300)
    ours = [str(key) for key in read_keys(key_file).active]
    for position in (1, 2, 256, 257, 300):
        file = tmp_path / "proof.json"
        file.write_bytes(orjson.dumps(proof(cursor, position).as_json()))
        verdict = verify(file, ours)
        assert verdict["ok"]
        assert verdict["position"] == position
        assert verdict == verify(file)


def test_a_proof_is_compared_with_a_kept_checkpoint_too(sealed, cursor, key_file, tmp_path):
    """It has no consistency proof: of another size, nothing is said to hold."""
    file, kept = tmp_path / "proof.json", tmp_path / "checkpoint"
    kept.write_text(str(sealed(3).note()))
    file.write_bytes(orjson.dumps(proof(cursor, 2).as_json()))
    assert verify(file, kept=kept)["ok"]
    forked = Checkpoint("log.example/quartier", 3, bytes(32)).text()
    other = tmp_path / "other"
    other.write_text(str(Note(forked, tuple(k.sign(forked) for k in read_keys(key_file).signing))))
    assert verify(file, kept=other)["fault"] == "fork"
    newer = sealed(4)
    other.write_text(str(newer.note()))
    assert verify(file, kept=other)["fault"] == "older-tree"
    file.write_bytes(orjson.dumps(proof(cursor, 2).as_json()))
    assert verify(file, kept=kept)["fault"] == "no-consistency"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.data())
def test_a_proof_with_anything_else_in_it_does_not_verify(proof_file, data):
    whole = json.loads(proof_file.read_text())
    part = data.draw(st.sampled_from(["entry", "payload", "index", "hashes", "checkpoint"]))
    value = whole[part]
    if part == "index":
        whole[part] = data.draw(st.integers(-3, 400).filter(lambda other: other != value))
    elif part == "hashes":
        at = data.draw(st.integers(0, len(value) - 1))
        whole[part] = data.draw(
            st.sampled_from([value[:at] + value[at + 1 :], [*value, value[at]], value[::-1]])
        )
    else:
        at = data.draw(st.integers(0, len(value.rstrip()) - 2))
        other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != value[at]))
        whole[part] = value[:at] + other + value[at + 1 :]
    file = proof_file.with_name("other.json")
    file.write_bytes(orjson.dumps(whole))
    assert not verify(file)["ok"]


@pytest.fixture
def proof_file(sealed, cursor, tmp_path):
    sealed(300)
    file = tmp_path / "proof.json"
    file.write_bytes(orjson.dumps(proof(cursor, 77).as_json()))
    return file


def test_a_proof_is_also_written_as_the_specification_has_it(sealed, cursor):
    checkpoint = sealed(5)
    found = proof(cursor, 3)
    head, _, note = found.as_text().partition("\n\n")
    rows = head.split("\n")
    assert rows[0] == "c2sp.org/tlog-proof@v1"
    assert rows[1].startswith("extra ")
    assert rows[2] == "index 2"
    assert rows[3:] == found.as_json()["hashes"]
    assert note == str(checkpoint.note())


def test_nothing_is_proved_that_is_not_recorded_or_not_sealed(sealed, record, cursor):
    sealed(3)
    record(1)
    for position in (0, -1, 5, 2**63):
        with pytest.raises(NoSuchPosition):
            proof(cursor, position)
    with pytest.raises(NotSealed):
        proof(cursor, 4)
    with pytest.raises(NotSealed):
        b"".join(evidence.bundle(cursor, "paquis", reader=None))
    with pytest.raises(UnknownContract):
        evidence.bundle(cursor, "nowhere", reader=None)


def test_whatever_is_given_to_it_the_verifier_gives_a_verdict(tmp_path):
    file = tmp_path / "given"
    for content in (
        b"",
        b"{}",
        b"[]",
        b"null",
        b"PK",
        b"PK\3\4",
        b"PK\3\4" + b"\xff" * 99,
        b"\xff",
    ):
        file.write_bytes(content)
        assert verify(file)["ok"] is False
    file.write_text('{"checkpoint": "' + "[" * 100 + '", "key": ""}')
    assert verify(file)["ok"] is False
    file.write_text("[" * 100_000)
    assert verify(file)["fault"] == "unreadable"
    with pytest.raises(OSError, match="absent"):
        verify(tmp_path / "absent")
    shutil.rmtree(tmp_path)
