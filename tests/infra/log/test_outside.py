"""Others look at the log: witnesses who cosign it, and whoever follows it with what he kept."""

import io
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.cli.program import run
from infra.log import merkle, tiles, witness
from infra.log.findings import Fault
from infra.log.keys import LogKeys, mark_file, read_keys
from infra.log.monitor import NotReachable, fetcher, follow
from infra.log.notes import (
    COSIGNATURE,
    Checkpoint,
    Note,
    NoteError,
    Signature,
    VerifierKey,
    cosigned,
)
from infra.log.sealing import Sealer, seal_all
from infra.log.witness import Cosigner, Witness, WitnessError, cosign, submit, witnesses
from tests.infra.relay.reading import wait_until

# --- A witness, as C2SP tlog-witness has it -------------------------------------------------------


class Notary:
    """Remembers the newest checkpoint of one log, and cosigns what extends it."""

    def __init__(self, log_key):
        self.private = Ed25519PrivateKey.generate()
        self.key = VerifierKey("notary.example/w1", COSIGNATURE, self.public)
        self.log_key = log_key
        self.seen = Checkpoint("", 0, merkle.EMPTY_ROOT)
        self.asked = []
        self.spoil = None

    @property
    def public(self):
        return self.private.public_key().public_bytes_raw()

    def add_checkpoint(self, body):
        head, _, written = body.decode().partition("\n\n")
        old, *proof = head.split("\n")
        size = int(old.removeprefix("old "))
        self.asked.append(size)
        note = Note.parse(written)
        note.verified([self.log_key])
        new = Checkpoint.parse(note.text)
        if size != self.seen.size:
            return 409, f"{self.seen.size}\n"
        if not merkle.verify_consistency(
            size, new.size, self.seen.root, new.root, [b64decode(each) for each in proof]
        ):
            return 422, ""
        self.seen = new
        return 200, self.spoil or f"{self.cosignature(note.text)}\n"

    def cosignature(self, text, now=1_700_000_000):
        value = now.to_bytes(8) + self.private.sign(cosigned(text, now))
        return Signature(self.key.name, self.key.id, value)


@pytest.fixture
def notary(key_file):
    return Notary(read_keys(key_file).active[0])


@pytest.fixture
def listening(notary):
    """The notary over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            status, answer = notary.add_checkpoint(
                self.rfile.read(int(self.headers["Content-Length"]))
            )
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield Witness(notary.key, f"http://127.0.0.1:{server.server_port}/add-checkpoint")
        server.shutdown()
        thread.join()


def test_a_cosignature_is_stored_and_served_with_the_checkpoint(
    sealed, cursor, notary, listening, key_file
):
    for count in (0, 3, 300):
        sealed(count)
        assert cosign(cursor, [listening]) == 1
        note = tiles.latest(cursor).note()
        ours = read_keys(key_file).active[0]
        assert note.verified([ours, notary.key]) == [ours, notary.key]
        assert tiles.latest(cursor).keys == (str(ours),)
    assert notary.seen.size == 303
    assert notary.asked == [0, 0, 3], "each proof begins where the one before ended"
    assert cosign(cursor, [listening]) == 0, "once is enough"


def test_a_witness_who_has_seen_another_size_says_which(sealed, cursor, notary, listening):
    checkpoint = Checkpoint.parse(sealed(5).text)
    notary.seen = checkpoint
    sealed(5)
    assert cosign(cursor, [listening]) == 1
    assert notary.asked == [0, 5]


def test_a_witness_who_has_seen_more_than_there_is_gives_nothing(sealed, cursor, notary, listening):
    notary.seen = Checkpoint("", 99, bytes(32))
    sealed(5)
    with pytest.raises(WitnessError, match="99"):
        submit(cursor, listening, tiles.latest(cursor))


@pytest.mark.parametrize("size", ["", "-1", "1e1", "١", "9" * 19, "9" * 4_301])
def test_a_witness_who_names_no_size_gives_nothing(sealed, cursor, notary, listening, size):
    notary.add_checkpoint = lambda _: (409, size)
    sealed(5)
    with structlog.testing.capture_logs() as logs:
        assert cosign(cursor, [listening]) == 0
    assert [entry["event"] for entry in logs] == ["cosignature_not_given"]


def test_a_witness_who_has_seen_another_tree_gives_nothing(sealed, cursor, notary, listening):
    notary.seen = Checkpoint("", 3, bytes(32))
    sealed(5)
    with structlog.testing.capture_logs() as logs:
        assert cosign(cursor, [listening]) == 0
    assert [entry["event"] for entry in logs] == ["cosignature_not_given"]
    assert tiles.latest(cursor).lines == tiles.latest(cursor).lines[:1]


@pytest.mark.parametrize("answer", ["", "nonsense", "— notary.example/w1 AAAAAAAA\n", "\n\n"])
def test_what_does_not_verify_is_not_stored(sealed, cursor, notary, listening, answer):
    sealed(5)
    notary.spoil = answer or "\n"
    with pytest.raises(WitnessError, match="does not verify"):
        submit(cursor, listening, tiles.latest(cursor))


def test_only_the_witness_that_was_asked_is_believed(sealed, cursor, notary, listening):
    sealed(5)
    stranger = Notary(notary.log_key)
    notary.spoil = f"{stranger.cosignature(tiles.latest(cursor).text)}\n"
    with pytest.raises(WitnessError):
        submit(cursor, listening, tiles.latest(cursor))


def test_a_witness_who_does_not_answer_holds_nothing_up(sealed, cursor, notary):
    sealed(5)
    nobody = Witness(notary.key, "http://127.0.0.1:9/add-checkpoint")
    with structlog.testing.capture_logs() as logs:
        assert cosign(cursor, [nobody]) == 0
    assert logs[0]["event"] == "cosignature_not_given"


def test_the_sealer_has_its_checkpoints_cosigned(
    record, cursor, key_file, notary, listening, tmp_path, monkeypatch
):
    file = tmp_path / "witnesses"
    file.write_text(f"# who looks at us\n\n{listening.key} {listening.url}\n")
    monkeypatch.setenv("QUARTIER_WITNESSES_FILE", str(file))
    assert witnesses() == [listening]
    sealer, cosigner = Sealer(key_file), Cosigner()
    record(3)
    assert sealer.step()
    assert not sealer.step()
    assert not cosigner.step()
    sealer.close()
    assert notary.seen.size == 3


@pytest.mark.parametrize(
    "line", ["x", "a+b+c http://w", "{log} http://w", "{key}", "{key} ftp://w"]
)
def test_a_file_of_witnesses_that_is_not_well_written_is_named(tmp_path, monkeypatch, notary, line):
    file = tmp_path / "witnesses"
    file.write_text("# witnesses\n" + line.format(key=notary.key, log=notary.log_key))
    monkeypatch.setenv("QUARTIER_WITNESSES_FILE", str(file))
    with pytest.raises(WitnessError, match="Line 2"):
        witnesses()
    monkeypatch.setenv("QUARTIER_WITNESSES_FILE", str(tmp_path / "absent"))
    with pytest.raises(WitnessError, match="cannot be read"):
        witnesses()
    monkeypatch.delenv("QUARTIER_WITNESSES_FILE")
    assert witnesses() == []


def test_the_request_is_written_as_the_specification_has_it(sealed, cursor):
    sealed(3)
    checkpoint = sealed(4)
    old, *hashes, blank, origin, size, _root, end, line = (
        witness.request_body(cursor, checkpoint, 3).decode().splitlines()
    )
    assert (old, blank, end) == ("old 3", "", "")
    assert len(hashes) == 4
    assert (origin, size) == ("log.example/quartier", "7")
    assert line == checkpoint.lines[0]


# --- Whoever follows it ---------------------------------------------------------------------------


def reading(cursor):
    """Reads the log's resources as a web server gives them."""

    def fetch(path):
        if path == "checkpoint":
            return str(tiles.latest(cursor).note()).encode()
        level, _, index = path.removeprefix("tile/").partition("/")
        try:
            return tiles.read_tile(cursor, merkle.Tile(int(level), *merkle.parse_index_path(index)))
        except LookupError as error:
            raise NotReachable(path) from error

    return fetch


def test_a_log_that_grew_extends_what_was_kept(sealed, cursor, key_file):
    keys = read_keys(key_file).active
    kept = None
    for count in (0, 3, 300, 1, 700):
        sealed(count)
        newest, found = follow(reading(cursor), keys, kept)
        assert found == []
        assert newest == tiles.latest(cursor).note()
        kept = newest


def test_an_older_log_a_fork_and_another_key_are_named(sealed, cursor, intruder, key_file):
    keys = read_keys(key_file).active
    kept = sealed(30).note()
    stranger = LogKeys.generate("log.example/quartier").active
    assert [each.fault for each in follow(reading(cursor), stranger)[1]] == [
        Fault.CHECKPOINT_NOT_OURS
    ]
    with pytest.raises(NoteError):
        follow(reading(cursor), keys, Note(kept.text, ()))
    intruder.execute("TRUNCATE log_tile, log_checkpoint, log_signature")
    intruder.execute("UPDATE event SET recorded_by = 'somebody' WHERE position = 3")
    intruder.execute("UPDATE event_log SET size = 20")
    intruder.execute("DELETE FROM event WHERE position > 20")
    mark_file(key_file).unlink()
    seal_all(key_file)
    (older,) = follow(reading(cursor), keys, kept)[1]
    assert (older.fault, dict(older.facts)) == (Fault.LOG_ROLLED_BACK, {"size": 20, "kept": 30})
    sealed(0)
    intruder.execute(
        "INSERT INTO event SELECT position + 20, contract, version + 20, type, schema, body,"
        " decided_on, recorded_at, recorded_by, payload FROM event"
    )
    intruder.execute("UPDATE event_log SET size = 40")
    seal_all(key_file)
    (fork,) = follow(reading(cursor), keys, kept)[1]
    assert fork.fault is Fault.LOG_FORKED


def test_a_log_that_does_not_answer_is_no_finding(tmp_path):
    with pytest.raises(NotReachable):
        fetcher("http://127.0.0.1:9/log")("checkpoint")
    with pytest.raises(ValueError, match="HTTP"):
        fetcher(f"file://{tmp_path}")


# --- Commands -------------------------------------------------------------------------------------


@pytest.fixture
def quartier(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(tmp_path / "keys" / "log-key"))

    def quartier(*arguments):
        status = run(["log", *arguments])
        return status, capsys.readouterr().out.splitlines()

    return quartier


def test_keys_are_made_shown_rotated_and_retired(quartier):
    assert quartier("key", "show")[0] == 1
    status, (first,) = quartier("key", "create", "log.example/quartier")
    assert status == 0
    assert first.startswith("log.example/quartier+")
    assert quartier("key", "create")[0] == 1, "a key is not made over another"
    assert quartier("key", "show") == (0, [first])
    _, (second, still) = quartier("key", "rotate")
    assert still == first
    assert quartier("key", "retire") == (0, [second, f"{first}  (retired)"])
    status, shown = quartier("key", "show", "--json")
    assert '"origin": "log.example/quartier"' in "".join(shown)


def test_a_key_is_not_named_just_anything(quartier):
    assert quartier("key", "create", "a b")[0] == 1


def test_a_log_is_followed_from_the_command_line(
    quartier, sealed, cursor, key_file, tmp_path, monkeypatch
):
    monkeypatch.setattr("infra.cli.log.fetcher", lambda _: reading(cursor))
    key, kept = str(read_keys(key_file).active[0]), tmp_path / "kept"
    for count in (3, 2):
        sealed(count)
        status, lines = quartier("follow", "http://log/", "--key", key, "--kept", str(kept))
        assert status == 0
        assert io.StringIO(kept.read_text()).read().splitlines() == lines
    text = Checkpoint("log.example/quartier", 6, bytes(32)).text()
    ahead = Note(text, tuple(each.sign(text) for each in read_keys(key_file).signing))
    kept.write_text(str(ahead))
    assert quartier("follow", "http://log/", "--key", key, "--kept", str(kept), "--json")[0] == 1
    assert kept.read_text() == str(ahead), "what was kept is not thrown away"
    assert quartier("follow", "http://log/", "--key", "x")[0] == 2


def test_a_second_sealer_takes_over_from_the_first(record, key_file, cursor):
    """It stands by until the first is gone, and then goes on where that one ended."""
    first, second = Sealer(key_file), Sealer(key_file)
    record(2)
    assert first.step()
    record(2)
    assert not second.step()
    first.close()
    wait_until(second.step)
    assert tiles.sealed_size(cursor) == 4
    second.close()


def test_a_witness_who_refuses_is_not_asked_all_the_time(
    sealed, cursor, notary, listening, tmp_path, monkeypatch
):
    file = tmp_path / "witnesses"
    file.write_text(f"{listening.key} {listening.url}\n")
    monkeypatch.setenv("QUARTIER_WITNESSES_FILE", str(file))
    notary.spoil = "\n"
    cosigner = Cosigner()
    sealed(3)
    for _ in range(5):
        cosigner.step()
    assert len(notary.asked) == 1
    sealed(1)
    cosigner.step()
    assert len(notary.asked) == 3, "and once more, from the size it had seen"
