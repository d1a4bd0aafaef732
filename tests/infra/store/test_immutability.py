import re
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from infra.audit import guards, integrity
from infra.database.connection import as_owner, cursor, dedicated
from infra.eventstore.append import Write, append
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
    checks = (guards.role, guards.triggers, guards.functions, guards.keys, guards.grants)
    findings = [each for check in (*checks, integrity.order) for each in check()]
    return {(each.check, each.message) for each in findings if not each.warning}


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
    assert not found()
    assert list(integrity.order(read.append)) == []
    assert read == [2]


@pytest.mark.parametrize(
    ("harm", "check", "said"),
    [
        ("ALTER TABLE event DISABLE TRIGGER event_is_never_changed", "trigger", "always enabled"),
        ("ALTER TABLE event ENABLE TRIGGER event_is_never_truncated", "trigger", "always enabled"),
        ("DROP TRIGGER event_is_never_truncated ON event", "trigger", "missing"),
        ("DROP TRIGGER log_tile_is_never_changed ON log_tile", "trigger", "log_tile_is_never"),
        ("ALTER TABLE log_signature DISABLE TRIGGER USER", "trigger", "log_signature_is_never"),
        (
            (
                "CREATE OR REPLACE TRIGGER event_is_never_changed BEFORE UPDATE OR DELETE ON event"
                " FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION refuse_change()"
            ),
            *("trigger", "event_is_never_changed is missing, or is another one"),
        ),
        (
            (
                "CREATE OR REPLACE TRIGGER event_is_never_changed BEFORE UPDATE OF body OR DELETE"
                " ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            ),
            *("trigger", "event_is_never_changed is missing, or is another one"),
        ),
        (
            "CREATE TRIGGER another BEFORE INSERT ON event EXECUTE FUNCTION refuse_change()",
            *("trigger", "event has a trigger another that no migration made"),
        ),
        (
            "CREATE RULE another AS ON UPDATE TO event DO INSTEAD NOTHING",
            *("trigger", "event has a rule another that no migration made"),
        ),
        (
            (
                "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NULL; END'"
            ),
            *("trigger", "The function refuse_change is not as the migrations made it"),
        ),
        (
            (
                "CREATE OR REPLACE FUNCTION refuse_log_change() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NULL; END'"
            ),
            *("trigger", "The function refuse_log_change is not as the migrations made it"),
        ),
        (
            "ALTER FUNCTION append(json, json, json) RESET search_path",
            *("trigger", "The function append is not as the migrations made it"),
        ),
        (
            "ALTER FUNCTION append(json, json, json) SECURITY INVOKER",
            *("trigger", "The function append is not as the migrations made it"),
        ),
        (
            (
                "CREATE FUNCTION append(text) RETURNS text LANGUAGE sql AS 'SELECT $1';"
                "REVOKE ALL ON FUNCTION append(text) FROM PUBLIC;"
                "GRANT EXECUTE ON FUNCTION append(text) TO quartier_app"
            ),
            *("trigger", "There are 2 functions called append"),
        ),
        (
            "ALTER FUNCTION append(json, json, json) RENAME TO appended",
            *("trigger", "The function append is missing"),
        ),
        (
            "ALTER FUNCTION append(json, json, json) OWNER TO quartier_app",
            *("trigger", "quartier_app owns the function append"),
        ),
        (
            "ALTER TABLE event DROP CONSTRAINT event_contract_version",
            *("trigger", "event lacks its UNIQUE (contract, version)"),
        ),
        ("GRANT UPDATE (payload) ON event TO quartier_app", "grants", "may UPDATE on event"),
        ("GRANT DELETE ON log_tile TO quartier_app", "grants", "may DELETE on log_tile"),
        ("GRANT TRUNCATE ON vault_text TO PUBLIC", "grants", "may TRUNCATE on vault_text"),
        ("REVOKE INSERT ON document FROM quartier_app", "grants", "may not INSERT on document"),
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
    assert [(where, said in what) for where, what in found()] == [(check, True)]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("DELETE FROM event WHERE position = 1", "Event 1 is missing."),
        ("DELETE FROM event WHERE position IN (2, 3)", "Events 2 to 3 are missing."),
        ("DELETE FROM event WHERE position = 4", "event_log is at 4, the last event at 3."),
        ("UPDATE event_log SET size = 9", "event_log is at 9, the last event at 4."),
        ("UPDATE event SET recorded_at = 'epoch' WHERE position = 2", "Event 2 comes after one"),
        ("UPDATE event_log SET recorded_at = '2014-03-01'", "event_log is at 2014-03-01 "),
    ],
)
@pytest.mark.parametrize("at_once", [1, 2, integrity.RANGE])
def test_what_is_wrong_with_the_order_is_found(owner, altering, monkeypatch, harm, said, at_once):
    monkeypatch.setattr(integrity, "RANGE", at_once)
    begin()
    for _ in range(3):
        choose()
    altering(harm)
    ((check, what),) = found()
    assert check == "order"
    assert said in what


def test_a_clock_that_ran_ahead_is_said_with_the_events_it_was_read_for(altering):
    begin()
    choose()
    altering("UPDATE event_log SET recorded_at = now() + interval '3 days'")
    ahead = [choose().recorded.recorded_at for _ in range(2)][-1]
    ((check, what),) = found()
    assert check == "order"
    assert what.startswith(
        f"Events 3 to 4 are recorded in the future, up to {ahead:%Y-%m-%d %H:%M:%S} UTC: "
    )
    assert integrity.ahead_of_the_clock() == ahead


def test_it_is_said_of_every_table_what_the_application_may_do_with_it():
    """Whoever adds a table in SQL says it in `guards.MAY`, so that the check holds it to that."""
    made = {
        table
        for file in (Path(guards.__file__).parents[1] / "sql").glob("*.sql")
        for table in re.findall(r"CREATE TABLE (\w+)", file.read_text("utf-8"))
    }
    assert set(guards.MAY) == set(guards.KEYS) == made


def test_a_login_that_may_do_everything_is_a_warning():
    (warning,) = guards.role()
    assert warning.warning
    assert "is a superuser. That it works as quartier_app" in warning.message


def test_working_as_the_owner_is_found():
    append(Write([event(payload={"data": {}})]))
    with as_owner():
        assert {check for check, _ in found()} >= {"role"}
