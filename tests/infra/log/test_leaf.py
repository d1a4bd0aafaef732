"""What is hashed of a decision is canonical, complete and small."""

import hashlib
import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.canonical import canonical
from infra.eventstore.store import COLUMNS
from infra.log import tiles
from infra.log.leaf import MAX_ENTRY, Leaf, leaf_of, rfc3339

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LEAF = st.builds(
    Leaf,
    position=st.integers(1, 2**53),
    contract=TEXT,
    version=st.integers(1, 2**31),
    type=TEXT,
    schema=st.integers(1, 99),
    body=TEXT,
    decided_on=st.dates(),
    recorded_at=st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001
    recorded_by=TEXT,
    payload_sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
)


@given(LEAF)
def test_an_entry_is_canonical_json_whatever_it_holds(leaf):
    entry = leaf.entry()
    assert entry == canonical(json.loads(entry))
    assert json.loads(entry)["contract"] == leaf.contract


INSTANT = st.datetimes(datetime(2, 1, 1), datetime(9999, 1, 1), timezones=st.timezones())  # noqa: DTZ001


@given(INSTANT)
def test_an_instant_is_written_in_utc_with_microseconds(instant):
    written = rfc3339(instant)
    assert written == instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def test_an_entry_says_the_circumstances_and_the_digest_of_the_content():
    row = (
        2,
        "paquis",
        2,
        "perimeter-set",
        1,
        "administrative_council",
        date(2014, 3, 5),
        datetime(2026, 11, 22, 10, 30, 0, 123456, tzinfo=ZoneInfo("Europe/Zurich")),
        "coordination",
        '{"data":{}}',
    )
    digest = hashlib.sha256(row[-1].encode()).hexdigest()
    assert leaf_of(row).entry().decode() == (
        '{"body":"administrative_council","contract":"paquis","decided_on":"2014-03-05",'
        f'"payload_sha256":"{digest}","position":2,'
        '"recorded_at":"2026-11-22T09:30:00.123456Z","recorded_by":"coordination","schema":1,'
        '"type":"perimeter-set","version":2}'
    )


def test_an_entry_that_is_too_long_is_refused():
    leaf = Leaf(1, "c", 1, "t", 1, "b", date.min, datetime.now(UTC), "x" * MAX_ENTRY, "0" * 64)
    with pytest.raises(ValueError, match="bytes"):
        leaf.entry()


def test_the_database_and_the_program_hash_the_same_payload(record, cursor):
    record(3)
    cursor.execute(f"SELECT {COLUMNS} FROM event ORDER BY position")
    read = [leaf_of(row) for row in cursor.fetchall()]
    assert read == list(tiles.leaves(cursor, 0, 3))
    assert [leaf.position for leaf in read] == [1, 2, 3]
