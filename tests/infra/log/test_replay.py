"""What is read with verification is what was sealed, or an exception."""

import psycopg
import pytest

from infra.eventstore.store import events_after
from infra.log.findings import Fault
from infra.log.replay import NotAsSealed, verified


def test_it_gives_the_sealed_decisions_in_order(sealed, record):
    sealed(300)
    sealed(5, "grottes")
    record(7)
    assert list(verified()) == list(events_after(0, 305))


def test_no_transaction_stays_open_between_two_fetches(sealed, intruder: psycopg.Cursor):
    """A long snapshot would slow every append down (docs/adr/0004)."""
    sealed(3)
    reading = verified()
    next(reading)
    intruder.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'idle in transaction'"
        " AND pid <> pg_backend_pid()"
    )
    assert intruder.fetchone() == (0,)
    reading.close()


def test_a_log_that_was_never_sealed_gives_nothing(record):
    record(3)
    assert list(verified()) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE event SET recorded_by = 'x' WHERE position = 7", Fault.CHECKPOINT_ALTERED),
        ("DELETE FROM event WHERE position = 7", Fault.EVENT_MISSING),
        ("DELETE FROM event WHERE position = 300", Fault.EVENT_MISSING),
    ],
)
def test_whoever_reads_something_else_is_told(sealed, intruder: psycopg.Cursor, statement, fault):
    sealed(300)
    intruder.execute(statement)
    with pytest.raises(NotAsSealed) as told:
        list(verified())
    assert told.value.finding.fault is fault
