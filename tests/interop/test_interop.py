"""An off-the-shelf implementation of the specifications accepts our log: Go's own.

`main.go` knows golang.org/x/mod/sumdb and HTTP, and nothing of ours.
"""

import contextlib
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from infra.log import tiles
from infra.log.keys import LogKeys, mark_file, read_keys, write_keys
from infra.log.notes import Checkpoint, Note
from infra.log.sealing import seal_all
from tests.conftest import absent

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def checker(tmp_path_factory):
    """The Go program, built once."""
    if shutil.which("go") is None:
        absent("Go", "no `go` on the PATH")
    program = tmp_path_factory.mktemp("interop") / "checker"
    build = subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=HERE,
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    if any(why in build.stderr for why in ("dial tcp", "requires go >=", "lookup disabled")):
        absent("golang.org/x/mod", build.stderr.strip().splitlines()[-1])
    assert build.returncode == 0, build.stderr
    return program


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(database):
    """The address of the log, served over HTTP by a thread of this process."""
    from django.db import connections  # noqa: PLC0415 - needs settings

    from infra.web.wsgi import application  # noqa: PLC0415

    def answer(environ, start_response):
        try:
            yield from application(environ, start_response)
        finally:
            connections.close_all()

    with make_server("127.0.0.1", 0, answer, Server, Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            yield f"http://127.0.0.1:{server.server_port}/log"


@pytest.fixture
def check(checker, served, key_file):
    def check(*arguments, key=None):
        key = key or str(read_keys(key_file).active[0])
        ran = subprocess.run(
            [checker, served, key, *arguments],
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
            env={"NO_PROXY": "*"},
        )
        return json.loads(ran.stdout) if ran.returncode == 0 else ran.stderr

    return check


@pytest.mark.parametrize("batches", [[1], [2, 1], [255], [256], [257], [200, 300, 12], [70_000]])
def test_every_entry_is_included_and_every_tree_extends_the_smaller(check, sealed, batches):
    for count in batches:
        sealed(count)
    size = sum(batches)
    seen = check()
    assert seen["size"] == size, seen
    assert seen["included"] == size
    assert seen["consistent"] >= min(size, 50)


def test_a_checkpoint_that_was_kept_is_extended(check, sealed, tmp_path):
    kept = tmp_path / "checkpoint"
    kept.write_text(str(sealed(300).note()))
    sealed(41)
    assert check(kept)["size"] == 341


def test_a_note_of_two_keys_opens_with_either(check, sealed, key_file):
    sealed(3)
    first = read_keys(key_file)
    write_keys(key_file, first.rotated())
    seal_all(key_file)
    for key in read_keys(key_file).active:
        assert check(key=str(key))["size"] == 3


def test_another_key_opens_nothing(check, sealed):
    sealed(3)
    other = LogKeys.generate("log.example/quartier").active[0]
    assert "no verifiable signatures" in check(key=str(other))


def test_an_altered_decision_is_found_from_outside(check, sealed, intruder):
    sealed(300)
    intruder.execute("UPDATE event SET recorded_by = 'somebody' WHERE position = 77")
    assert "entry 76" in check()


def test_an_altered_tile_is_found_from_outside(check, sealed, intruder):
    sealed(300)
    intruder.execute("UPDATE log_tile SET hashes = set_byte(hashes, 4000, 7)")
    assert "tile" in check()


def test_a_fork_is_found_with_a_checkpoint_that_was_kept(
    check,
    sealed,
    cursor,
    intruder,
    key_file,
    tmp_path,
):
    """The key's owner himself rewrites the log: it is sound by itself, and not the same."""
    kept = tmp_path / "checkpoint"
    kept.write_text(str(sealed(30).note()))
    intruder.execute("UPDATE event SET recorded_by = 'somebody' WHERE position = 3")
    intruder.execute("TRUNCATE log_tile, log_checkpoint, log_signature")
    mark_file(key_file).unlink()
    seal_all(key_file)
    sealed(5)
    assert check()["size"] == 35
    assert "does not extend" in check(kept)


def test_an_older_log_is_found_with_a_checkpoint_that_was_kept(check, sealed, key_file, tmp_path):
    sealed(3)
    text = Checkpoint("log.example/quartier", 4, bytes(32)).text()
    kept = tmp_path / "checkpoint"
    kept.write_text(str(Note(text, tuple(k.sign(text) for k in read_keys(key_file).signing))))
    assert "the log has 3 leaves, the old checkpoint 4" in check(kept)


def test_tiles_were_read_and_nothing_else(check, sealed, cursor):
    sealed(600)
    assert check()["tiles"] >= 4
    assert tiles.sealed_size(cursor) == 600
