"""Days are written in one way, lie in the calendar, and are counted from without leaving it."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.catalogue import catalogue
from domain.chapters.initiation import MunicipalCouncilInformed
from domain.kernel.days import (
    FIRST_DAY,
    LAST_DAY,
    Day,
    days_after,
    days_of,
    instant_within,
    read_day,
)
from domain.kernel.framework import Months
from tests.domain.test_personal_data import leaves

DAY = TypeAdapter(Day)


@given(st.dates())
def test_a_day_is_read_as_it_is_written(day):
    assert DAY.validate_json(DAY.dump_json(day)) == read_day(day) == day


@pytest.mark.parametrize(
    "sent",
    [
        *("0", "1397606400", "1397606400.5", "-1", "20140416", "2014-4-16", "2014-04-16T00:00:00"),
        *("2014-04-16 ", "2014-W16-3", "2014-106", "2014-02-30", "0000-01-01", "10000-01-01"),
        *("+2014-04-16", "-2014-04-16", "\u0662\u0660\u0661\u0664-04-16", "yesterday", ""),
        *(0, 1397606400, 1397606400.0, True, None, [], {}),
    ],
    ids=ascii,
)
def test_what_is_not_a_day(sent):
    with pytest.raises(ValidationError) as raised:
        DAY.validate_json(json.dumps(sent))
    assert [each["type"] for each in raised.value.errors()] == ["date"]


def test_an_instant_is_no_day():
    with pytest.raises(ValidationError):
        DAY.validate_python(dt.datetime(2014, 4, 16, tzinfo=dt.UTC))


def test_its_schema_is_that_of_a_date():
    assert DAY.json_schema() == {"type": "string", "format": "date"}


@pytest.mark.parametrize("kind", catalogue().values(), ids=lambda kind: kind.slug)
def test_every_day_of_a_decision_is_found(kind):
    """Those that a bound is asked of are all there are: none stands within another model."""
    for at, plain, marks in leaves(kind):
        if plain is dt.date:
            assert "day" in marks
            assert at.count("/") == 1


def test_an_optional_day_is_found():
    told = MunicipalCouncilInformed(reference="PR-1", informed_on=LAST_DAY)
    assert list(days_of(told)) == [("informed_on", LAST_DAY)]
    assert list(days_of(MunicipalCouncilInformed(reference="PR-1"))) == []


@given(st.dates(FIRST_DAY, LAST_DAY), st.integers(0, 1200), st.integers(0, 36_525))
def test_from_a_day_of_the_calendar_any_delay_is_a_day(day, months, days):
    assert days_after(day, days) - day == dt.timedelta(days)
    after = Months(months, "").after(day)
    assert (after.year - day.year) * 12 + after.month - day.month == months


def test_beyond_the_calendar_a_delay_ends_on_the_last_day():
    """What was recorded before there were bounds still has its delays."""
    assert days_after(dt.date(9999, 12, 31), 40) == dt.date.max
    assert Months(3, "").after(dt.date(9999, 12, 31)) == dt.date.max
    assert Months(1, "").after(dt.date(9999, 11, 30)) == dt.date(9999, 12, 30)


@pytest.mark.parametrize(
    ("instant", "read"),
    [
        ("9999-12-31T23:00:00+00:00", "2200-12-31T23:59:59.999999+00:00"),
        ("0001-01-01T00:00:00+00:00", "1900-01-01T00:00:00+00:00"),
        ("2014-04-16T12:00:00+02:00", "2014-04-16T10:00:00+00:00"),
    ],
)
def test_an_instant_beyond_the_calendar_is_its_end(instant, read):
    assert instant_within(dt.datetime.fromisoformat(instant)).isoformat() == read
