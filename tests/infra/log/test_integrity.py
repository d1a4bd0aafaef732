"""Whoever alters what was sealed, with whatever rights, is found and named."""

import pytest

from infra.log import merkle, tiles
from infra.log.findings import Fault
from infra.log.integrity import log_findings
from infra.log.keys import LogKeys, mark_file, read_keys, write_keys
from infra.log.leaf import Leaf
from infra.log.notes import Checkpoint


def found(cursor, **asked):
    return [(each.fault, dict(each.facts)) for each in log_findings(cursor, **asked)]


def faults(cursor, **asked):
    return [fault for fault, _ in found(cursor, **asked)]


@pytest.mark.parametrize("batches", [[], [1], [3, 2], [256], [300, 300], [70_000]])
def test_nothing_is_wrong_with_a_log_that_nobody_touched(sealed, cursor, batches):
    for count in batches or [0]:
        sealed(count)
    assert found(cursor) == []


def test_what_is_recorded_and_not_yet_sealed_is_not_wrong(sealed, record, cursor):
    sealed(3)
    record(3)
    assert found(cursor) == []


def test_a_log_that_was_never_sealed_is_not_wrong(record, key_file, cursor):
    assert found(cursor) == []
    record(3)
    assert found(cursor) == []


@pytest.mark.parametrize("position", [3, 100, 300])
@pytest.mark.parametrize(
    "change",
    [
        "payload = '{\"data\":{}}'",
        "payload = (payload::text || ' ')::json",
        "recorded_by = 'somebody'",
        "decided_on = decided_on + 1",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "body = 'plenary'",
        "contract = 'grottes'",
        "type = 'perimeter-set'",
        "schema = 2",
    ],
)
def test_an_altered_decision_is_named(sealed, cursor, intruder, position, change):
    sealed(300)
    intruder.execute(f"UPDATE event SET {change} WHERE position = %s", [position])
    assert found(cursor) == [(Fault.EVENT_ALTERED, {"position": position})]


def test_two_swapped_decisions_are_named(sealed, cursor, intruder):
    sealed(300)
    for a, b in ((5, 0), (9, 5), (0, 9)):
        intruder.execute("ALTER TABLE event DROP CONSTRAINT IF EXISTS event_position_check")
        intruder.execute("UPDATE event SET position = %s WHERE position = %s", [b, a])
    assert found(cursor) == [(Fault.EVENTS_SWAPPED, {"position": 5, "other": 9})]


def test_two_decisions_that_swapped_their_content_are_named(sealed, cursor, intruder):
    """Position and version stay in place; everything else changes place."""
    sealed(20)
    intruder.execute(
        "UPDATE event SET payload = other.payload, recorded_at = other.recorded_at"
        " FROM event other WHERE (event.position, other.position) IN ((5, 9), (9, 5))"
    )
    assert found(cursor) == [(Fault.EVENTS_SWAPPED, {"position": 5, "other": 9})]


@pytest.mark.parametrize("position", [1, 7, 256, 300])
def test_a_deleted_decision_is_named(sealed, cursor, intruder, position):
    sealed(300)
    intruder.execute("DELETE FROM event WHERE position = %s", [position])
    assert found(cursor) == [(Fault.EVENT_MISSING, {"position": position})]


def test_a_deleted_decision_is_named_though_the_others_close_the_gap(sealed, cursor, intruder):
    sealed(30)
    intruder.execute("DELETE FROM event WHERE position = 7")
    intruder.execute("UPDATE event SET position = position + 1000 WHERE position > 7")
    intruder.execute(
        "UPDATE event SET position = position - 1001, version = version - 1 WHERE position > 1000"
    )
    intruder.execute("UPDATE event_log SET size = 29")
    first, second, *others = found(cursor)
    assert first == (Fault.LOG_CUT, {"size": 29, "sealed": 30})
    assert second == (Fault.EVENT_MISSING, {"position": 7})
    assert {fault for fault, _ in others} == {Fault.EVENT_MOVED}


def test_decisions_cut_off_at_the_end_are_named(sealed, cursor, intruder):
    sealed(30)
    intruder.execute("DELETE FROM event WHERE position > 28")
    intruder.execute("UPDATE event_log SET size = 28")
    assert found(cursor) == [
        (Fault.LOG_CUT, {"size": 28, "sealed": 30}),
        (Fault.EVENT_MISSING, {"position": 29}),
        (Fault.EVENT_MISSING, {"position": 30}),
    ]


@pytest.mark.parametrize(
    ("statement", "tile"),
    [
        ("UPDATE log_tile SET hashes = set_byte(hashes, 40, 1) WHERE index = 1", "0/001"),
        ("UPDATE log_tile SET root = sha256('x') WHERE index = 1", "0/001"),
        ("DELETE FROM log_tile WHERE index = 0", "0/000"),
    ],
)
def test_an_altered_or_missing_tile_is_named(sealed, cursor, intruder, statement, tile):
    sealed(600)
    intruder.execute(statement)
    assert (Fault.TILE_ALTERED, {"tile": tile}) in found(cursor)
    assert Fault.EVENT_ALTERED not in faults(cursor)


def test_an_altered_tile_of_a_higher_level_is_named(sealed, cursor, intruder):
    sealed(65_536)
    intruder.execute("UPDATE log_tile SET hashes = set_byte(hashes, 40, 1) WHERE level = 1")
    assert (Fault.TILE_ALTERED, {"tile": "1/000"}) in found(cursor)


def test_a_checkpoint_that_says_something_else_is_named(sealed, cursor, intruder):
    sealed(30)
    intruder.execute("UPDATE log_checkpoint SET root = sha256('x'), text = replace(text, '3', '4')")
    assert set(faults(cursor)) >= {Fault.CHECKPOINT_ALTERED, Fault.CHECKPOINT_NOT_OURS}


def rewrite(intruder, cursor, keys):
    """What somebody with every right does: hash everything anew, and sign with a key of his own."""
    size = tiles.sealed_size(cursor)
    tree, tail = merkle.Frontier(), b""
    for leaf in tiles.leaves(cursor, 0, size):
        tail += merkle.leaf_hash(leaf.entry())
        tree.append(tail[-32:])
    text = Checkpoint(keys.origin, size, tree.root()).text()
    intruder.execute("TRUNCATE log_tile, log_checkpoint, log_signature")
    intruder.execute(
        "INSERT INTO log_checkpoint (size, root, text, tail) VALUES (%s, %s, %s, %s)",
        [size, tree.root(), text, tail],
    )
    for key in keys.signing:
        intruder.execute(
            "INSERT INTO log_signature (size, key, line) VALUES (%s, %s, %s)",
            [size, str(key.verifier), str(key.sign(text))],
        )


def test_a_log_signed_anew_with_another_key_is_named(sealed, cursor, intruder, key_file):
    checkpoint = sealed(30)
    kept = Checkpoint.parse(checkpoint.text)
    intruder.execute("UPDATE event SET recorded_by = 'somebody' WHERE position = 3")
    rewrite(intruder, cursor, LogKeys.generate("log.example/quartier"))
    assert faults(cursor) == [Fault.CHECKPOINT_NOT_OURS, Fault.LOG_FORKED]
    assert faults(cursor, file=key_file.with_name("absent")) == []
    assert faults(cursor, file=key_file.with_name("absent"), kept=kept) == [Fault.LOG_FORKED]


def test_even_who_has_the_key_cannot_fork_the_log_unseen(sealed, cursor, intruder, key_file):
    """What was signed last, and every checkpoint that somebody kept, contradicts him."""
    kept = Checkpoint.parse(sealed(30).text)
    intruder.execute("UPDATE event SET recorded_by = 'somebody' WHERE position = 3")
    rewrite(intruder, cursor, read_keys(key_file))
    assert found(cursor) == [(Fault.LOG_FORKED, {"kept": 30})]
    mark_file(key_file).unlink()
    assert faults(cursor) == []
    assert found(cursor, kept=kept) == [(Fault.LOG_FORKED, {"kept": 30})]


def test_an_older_log_put_back_is_named(sealed, cursor, intruder, key_file):
    sealed(20)
    kept = Checkpoint.parse(sealed(10).text)
    intruder.execute("DELETE FROM log_signature WHERE size > 20")
    intruder.execute("DELETE FROM log_checkpoint WHERE size > 20")
    intruder.execute("DELETE FROM event WHERE position > 20")
    intruder.execute("UPDATE event_log SET size = 20")
    expected = (Fault.LOG_ROLLED_BACK, {"size": 20, "kept": 30})
    assert found(cursor) == [expected]
    mark_file(key_file).unlink()
    assert found(cursor) == []
    assert found(cursor, kept=kept) == [expected]


def test_a_crash_between_noting_and_storing_is_no_finding(sealed, record, cursor, intruder):
    """The mark may be ahead of the checkpoints, as long as the decisions lead to it."""
    sealed(20)
    sealed(10)
    intruder.execute("DELETE FROM log_signature WHERE size > 20")
    intruder.execute("DELETE FROM log_checkpoint WHERE size > 20")
    assert found(cursor) == []
    intruder.execute("UPDATE event SET recorded_by = 'somebody' WHERE position = 25")
    assert found(cursor) == [(Fault.LOG_FORKED, {"kept": 30})]


def test_another_key_file_is_noticed(sealed, cursor, tmp_path):
    sealed(3)
    other = tmp_path / "other"
    write_keys(other, LogKeys.generate("log.example/quartier"))
    assert faults(cursor, file=other) == [Fault.CHECKPOINT_NOT_OURS]


def test_every_finding_is_told_in_both_languages(sealed, cursor, intruder):
    sealed(3)
    intruder.execute("DELETE FROM event WHERE position = 2")
    (finding,) = log_findings(cursor)
    assert finding.as_json() == {
        "code": "event-missing",
        "facts": {"position": 2},
        "fr": "La décision 2, qui a été scellée, manque.",
        "en": "Decision 2, which was sealed, is missing.",
    }


def test_it_tells_how_far_it_is(sealed, cursor):
    sealed(600)
    seen = []
    log_findings(cursor, progress=seen.append)
    assert seen == [256, 512, 600]


def test_a_leaf_has_no_more_columns_than_are_checked():
    assert set(Leaf._fields) == {
        *("position", "contract", "version", "type", "schema", "body"),
        *("decided_on", "recorded_at", "recorded_by", "payload_sha256"),
    }
