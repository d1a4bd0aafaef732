import psycopg
import pytest
from psycopg import sql

from infra.append import Write, append
from infra.database import as_owner, cursor, dedicated
from infra.integrity import findings
from tests.infra.store.acts import begin, choose
from tests.infra.store.test_append import event

CHANGES = [
    "UPDATE event SET payload = '{}' WHERE position = 1",
    "UPDATE event SET position = position + 10",
    "UPDATE event SET recorded_at = now() WHERE false",
    "DELETE FROM event WHERE position = 1",
    "DELETE FROM event",
    "TRUNCATE event",
    "TRUNCATE event CASCADE",
    "MERGE INTO event USING (SELECT 1 AS one) s ON position = one WHEN MATCHED THEN DELETE",
]


def found():
    return {(finding.check, finding.message) for finding in findings()}


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_changes_an_event(owner, change):
    """Neither the application, nor the owner, nor a session that says it replicates."""
    first = begin().recorded
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        cursor().execute(change)
    for role in ("origin", "replica", "local"):
        owner.execute(sql.SQL("SET session_replication_role = {}").format(sql.Literal(role)))
        with pytest.raises(psycopg.errors.RestrictViolation, match="events are never changed"):
            owner.execute(change)
    assert choose().recorded.position == first.position + 1


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO event SELECT 9, 'x', 1, 'x', 1, 'x', now(), now(), 'x', '{}'",
        "UPDATE event_log SET size = 5",
        "DELETE FROM event_log",
        "INSERT INTO event_log VALUES (false, 1, now())",
        "TRUNCATE event_log",
        "DROP TABLE event",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "DROP TRIGGER event_is_never_changed ON event",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS ''",
        "CREATE FUNCTION json_array_length(json) RETURNS integer LANGUAGE sql AS 'SELECT 0'",
        "UPDATE idempotency SET key = 'x'",
        "DELETE FROM vault_text",
        "DELETE FROM vault_person",
        "DELETE FROM document",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_may_append_and_in_no_other_way(change):
    begin()
    with pytest.raises(psycopg.Error):
        cursor().execute(change)
    assert not found()


def test_the_application_works_as_the_restricted_role():
    assert cursor().execute("SELECT current_user").fetchone() == ("quartier_app",)
    with dedicated() as own:
        assert own.execute("SELECT current_user").fetchone() == ("quartier_app",)


def test_the_owner_s_rights_end_with_their_block():
    with as_owner():
        cursor().execute("CREATE TABLE scratch ()")
        assert cursor().execute("SELECT current_user").fetchone() != ("quartier_app",)
    assert cursor().execute("SELECT current_user").fetchone() == ("quartier_app",)
    cursor().execute("TRUNCATE scratch")  # read models are the application's to write


# --- The check ------------------------------------------------------------------------------------


def test_nothing_is_wrong_with_a_store_that_is_whole():
    read = []
    begin()
    choose()
    assert list(findings(read.append)) == []
    assert read == [2]


@pytest.mark.parametrize(
    ("harm", "check", "said"),
    [
        ("ALTER TABLE event DISABLE TRIGGER event_is_never_changed", "trigger", "always enabled"),
        ("ALTER TABLE event ENABLE TRIGGER event_is_never_truncated", "trigger", "always enabled"),
        ("DROP TRIGGER event_is_never_truncated ON event", "trigger", "missing"),
        ("GRANT UPDATE ON event TO quartier_app", "grants", "may UPDATE on event"),
        ("GRANT DELETE, INSERT ON event TO PUBLIC", "grants", "may DELETE, INSERT on event"),
        ("GRANT ALL ON event_log TO quartier_app", "grants", "on event_log"),
        ("REVOKE SELECT ON event_log FROM quartier_app", None, None),
        ("GRANT EXECUTE ON FUNCTION append TO PUBLIC", "grants", "Everybody may call append"),
        ("UPDATE event_log SET size = 3", "order", "event_log is at 3, the last event at 2"),
    ],
)
def test_what_guards_the_events_is_checked(owner, harm, check, said):
    begin()
    choose()
    owner.execute(harm)
    if check is None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            found()
        return
    ((where, what),) = found()
    assert where == check
    assert said in what


@pytest.mark.parametrize(
    ("harm", "check", "said"),
    [
        ("DELETE FROM event WHERE position = 2", "order", "There are 2 events up to position 3"),
        ("UPDATE event SET version = 9 WHERE position = 3", "order", "at version 9 with 3 events"),
        ("UPDATE event SET recorded_at = 'epoch' WHERE position = 2", "order", "Event 2 comes"),
        ("UPDATE event SET type = 'os.system' WHERE position = 1", "events", "no decision type"),
        ("UPDATE event SET schema = 9 WHERE position = 1", "events", "under schema 9"),
        ("""UPDATE event SET payload = '{"data": {}}' WHERE position = 1""", "events", "Event 1"),
        ("UPDATE event SET body = 'king' WHERE position = 1", "events", "Event 1 (paquis"),
        ("UPDATE vault_text SET content = 'other'", "texts", "is not the one that event"),
        ("DELETE FROM vault_text", "texts", "unknown"),
    ],
)
def test_what_somebody_with_all_rights_altered_is_found(owner, harm, check, said):
    begin()
    choose()
    choose()
    owner.execute("ALTER TABLE event DISABLE TRIGGER event_is_never_changed")
    owner.execute(harm)
    owner.execute("ALTER TABLE event ENABLE ALWAYS TRIGGER event_is_never_changed")
    assert any(where == check and said in what for where, what in found())


def test_an_erased_text_is_nothing_wrong(owner):
    begin()
    owner.execute("UPDATE vault_text SET content = NULL, salt = NULL")
    assert not found()


def test_working_as_the_owner_is_found():
    append(Write([event(payload={"data": {}})]))
    with as_owner():
        assert {check for check, _ in found()} >= {"role"}
