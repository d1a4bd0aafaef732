"""The sealer signs what was recorded, in order, and nothing that contradicts it."""

import threading
import time
from functools import partial

import pytest
from psycopg.errors import InsufficientPrivilege

from infra.database.connection import dedicated
from infra.database.lease import Lease, LeaseLost
from infra.log import keys, merkle, sealer, sealing, tiles
from infra.log.findings import Fault, Refused
from infra.log.keys import LogKeys, mark_file, read_keys, write_keys
from infra.log.notes import Checkpoint
from infra.log.sealing import SealedElsewhere, Sealer, seal_all
from infra.operations.worker import Worker, in_steps


def root_of(cursor, size):
    """The root over the first decisions, computed from nothing but them."""
    tree = merkle.Frontier()
    for leaf in tiles.leaves(cursor, 0, size):
        tree.append(merkle.leaf_hash(leaf.entry()))
    assert tree.size == size
    return tree.root()


def test_an_empty_log_has_a_checkpoint_too(sealed):
    assert sealed(0).checkpoint().root == merkle.EMPTY_ROOT


def test_what_was_recorded_is_under_a_signed_checkpoint(sealed, cursor, key_file):
    checkpoint = sealed(3)
    assert checkpoint.size == 3
    assert checkpoint.root == root_of(cursor, 3)
    note = checkpoint.note()
    assert note.verified(read_keys(key_file).known)
    assert Checkpoint.parse(note.text) == Checkpoint("log.example/quartier", 3, checkpoint.root)
    assert tiles.latest(cursor)._replace(sealed_at=None) == checkpoint
    assert seal_all(key_file) is None


@pytest.mark.parametrize(
    "batches", [[1] * 5, [255, 1, 1], [256], [257, 300], [100, 600, 56], [1000, 24, 3]]
)
def test_however_it_grew_the_tiles_are_those_of_the_tree(sealed, cursor, batches):
    """Every tile of every width, level by level, holds the hashes of the definition."""
    size = 0
    for count in batches:
        size += count
        assert sealed(count).root == root_of(cursor, size)
    hashes = [merkle.leaf_hash(leaf.entry()) for leaf in tiles.leaves(cursor, 0, size)]
    level = 0
    while hashes:
        for start in range(0, len(hashes), 256):
            row = hashes[start : start + 256]
            for width in {1, len(row) // 2 or 1, len(row)}:
                tile = merkle.Tile(level, start // 256, width)
                assert tile.within(size)
                assert tiles.read_tile(cursor, tile) == b"".join(row[:width])
        full = len(hashes) // 256
        hashes = [merkle.tile_root(b"".join(hashes[n * 256 : n * 256 + 256])) for n in range(full)]
        level += 1
    assert tiles.make(cursor, size, partial(merkle.root_hash, size)) == root_of(cursor, size)


def test_a_large_backlog_is_sealed_in_batches(sealed, cursor, monkeypatch):
    monkeypatch.setattr(sealer, "BATCH", 300)
    sealed(1000)
    assert [each.size for each in tiles.checkpoints_after(cursor, 0, 10)] == [300, 600, 900, 1000]
    assert tiles.latest(cursor).root == root_of(cursor, 1000)


def test_only_one_seals_at_a_time(record, key_file, database):
    record(1)
    with Lease(sealing.LEASE) as other:
        assert other.take()
        with pytest.raises(SealedElsewhere):
            seal_all(key_file)
    assert seal_all(key_file).size == 1


def test_a_sealer_that_was_overtaken_signs_nothing(record, key_file, cursor):
    """It was suspended, say, and another one has begun meanwhile."""
    record(1)
    with Lease(sealing.LEASE) as first, dedicated() as connection:
        assert first.take()
        cursor.execute("UPDATE lease SET token = token + 1")
        with pytest.raises(LeaseLost):
            sealer.seal(connection, key_file, first)
    assert tiles.latest(cursor) is None


def test_a_sealer_of_an_earlier_program_is_waited_for(record, key_file):
    """While versions change, both run: the earlier one holds an advisory lock."""
    record(1)
    ours = Sealer(key_file)
    with dedicated() as earlier:
        earlier.execute("SELECT pg_advisory_lock(%s)", [sealer.EARLIER_LOCK])
        assert not ours.step()
    assert ours.step()
    ours.close()


def test_the_application_may_add_to_the_log_and_change_nothing(sealed, cursor):
    sealed(300)
    for table in ("log_tile", "log_checkpoint", "log_signature"):
        for verb in ("DELETE FROM", "TRUNCATE"):
            with pytest.raises(InsufficientPrivilege):
                cursor.execute(f"{verb} {table}")


# --- At rest and under load -----------------------------------------------------------------------


@pytest.fixture
def running(database, key_file):
    worker = Worker([in_steps("seal", Sealer(key_file).step)])
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield
    worker.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_a_decision_at_rest_is_sealed_within_a_second(running, record, cursor):
    time.sleep(0.5)
    for count in range(1, 4):
        record(1)
        assert sealing.wait_until_sealed(cursor, count, seconds=1.0)
        time.sleep(0.3)


def test_the_sealer_keeps_up_with_what_is_recorded(running, record, cursor):
    record(5000)
    assert sealing.wait_until_sealed(cursor, 5000, seconds=5.0)
    assert sealing.unsealed(cursor) == 0


@pytest.fixture
def naps(monkeypatch):
    """How often it was waited."""
    taken = []
    monkeypatch.setattr(sealing.time, "sleep", taken.append)
    return taken


def test_what_nobody_seals_is_not_waited_for(record, cursor, naps):
    record(1)
    assert not sealing.wait_until_sealed(cursor, 1, seconds=0.2)
    assert naps, "it might have been sealed in a moment"
    naps.clear()
    assert not sealing.wait_until_sealed(cursor, 1, seconds=0.001)
    assert not naps


def test_few_wait_at_once(record, cursor, naps, monkeypatch):
    monkeypatch.setattr(sealing, "WAITERS", threading.BoundedSemaphore(1))
    record(1)
    with sealing.WAITERS:
        assert not sealing.wait_until_sealed(cursor, 1)
        assert not naps
    assert not sealing.wait_until_sealed(cursor, 1, seconds=1.0)
    assert naps


# --- What it refuses ------------------------------------------------------------------------------


def refusal(key_file):
    with pytest.raises(Refused) as refused:
        seal_all(key_file)
    return refused.value.finding


def test_it_signs_no_smaller_tree(sealed, record, intruder, key_file):
    sealed(5)
    intruder.execute("DELETE FROM event WHERE position = 5")
    intruder.execute("UPDATE event_log SET size = 4")
    found = refusal(key_file)
    assert found.fault is Fault.LOG_CUT
    assert found.facts == {"size": 4, "sealed": 5}


def test_it_signs_nothing_over_an_altered_decision(sealed, record, intruder, key_file):
    sealed(5)
    intruder.execute("UPDATE event SET recorded_by = 'somebody' WHERE position = 3")
    record(1)
    found = refusal(key_file)
    assert found.fault is Fault.EVENT_ALTERED
    assert found.facts == {"position": 3}


def test_it_signs_nothing_over_an_altered_tile(sealed, record, intruder, key_file):
    sealed(300)
    intruder.execute("UPDATE log_tile SET root = sha256('x')")
    record(1)
    assert refusal(key_file).fault is Fault.CHECKPOINT_ALTERED


def test_it_signs_nothing_over_a_missing_decision(sealed, record, intruder, key_file):
    sealed(3)
    record(3)
    intruder.execute("DELETE FROM event WHERE position = 5")
    found = refusal(key_file)
    assert found.fault is Fault.EVENT_MISSING
    assert found.facts == {"position": 5}


def test_it_goes_on_from_no_checkpoint_of_another_key(sealed, record, key_file):
    sealed(3)
    mark_file(key_file).unlink()
    write_keys(key_file, LogKeys.generate("log.example/quartier"))
    record(1)
    assert refusal(key_file).fault is Fault.CHECKPOINT_NOT_OURS


def test_it_signs_no_other_tree_even_if_the_database_is_put_back(
    sealed, record, intruder, key_file
):
    """Whoever restores an older database has not got the log to contradict what it signed."""
    sealed(3)
    sealed(2)
    intruder.execute("DELETE FROM log_signature WHERE size > 3")
    intruder.execute("DELETE FROM log_checkpoint WHERE size > 3")
    intruder.execute("DELETE FROM event WHERE position > 3")
    intruder.execute("UPDATE event_log SET size = 3")
    record(1, "grottes")
    found = refusal(key_file)
    assert found.fault is Fault.LOG_ROLLED_BACK
    assert found.facts == {"size": 4, "kept": 5}
    record(1, "grottes")
    assert refusal(key_file).fault is Fault.LOG_FORKED


def test_a_mark_that_is_not_ours_stops_it(sealed, record, key_file):
    sealed(3)
    mark_file(key_file).write_text("something else")
    record(1)
    assert refusal(key_file).fault is Fault.MARK_UNREADABLE


def test_a_crash_between_noting_and_committing_costs_nothing(record, key_file, cursor, monkeypatch):
    record(3)

    def crash(*_):
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(sealer, "_add_signatures", crash)
        with pytest.raises(RuntimeError):
            seal_all(key_file)
    assert tiles.latest(cursor) is None
    assert mark_file(key_file).exists()
    record(2)
    assert seal_all(key_file).size == 5
    assert tiles.latest(cursor).root == root_of(cursor, 5)


def test_the_log_can_be_sealed_again_from_the_decisions_alone(sealed, intruder, key_file, cursor):
    """Lost tiles and checkpoints come back as they were, against what was signed last."""
    before = sealed(700)
    intruder.execute("TRUNCATE log_tile, log_checkpoint, log_signature")
    after = seal_all(key_file)
    assert after == before


# --- Keys -----------------------------------------------------------------------------------------


def test_while_a_key_is_replaced_both_sign(sealed, key_file, cursor):
    sealed(3)
    old = read_keys(key_file)
    write_keys(key_file, old.rotated())
    both = read_keys(key_file)
    again = seal_all(key_file)
    assert again.size == 3
    assert len(again.lines) == 2
    assert again.note().verified(old.active)
    assert again.note().verified(both.active[:1])
    assert seal_all(key_file) is None
    write_keys(key_file, both.settled())
    settled = sealed(1)
    assert len(settled.lines) == 1
    assert settled.note().verified(both.active[:1])
    assert tiles.checkpoint_at(cursor, 3) == again


def test_keys_are_made_for_a_new_log_only(record, tmp_path, cursor):
    file = tmp_path / "made" / "log-key"
    record(1)
    assert seal_all(file).size == 1
    file.unlink()
    record(1)
    with pytest.raises(keys.KeyFileError, match="cannot be read"):
        seal_all(file)
