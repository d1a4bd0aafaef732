"""The numbers of the Cadre are data, each with its paragraph; months are calendar months."""

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.framework import CADRE_2014, FRAMEWORKS, Months


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        ("2014-03-01", 3, "2014-06-01"),
        ("2014-01-31", 1, "2014-02-28"),
        ("2016-01-31", 1, "2016-02-29"),
        ("2014-11-30", 3, "2015-02-28"),
        ("2014-12-31", 6, "2015-06-30"),
        ("2016-02-29", 12, "2017-02-28"),
        ("2014-06-16", 48, "2018-06-16"),
    ],
)
def test_so_many_months_on_is_the_same_day_or_the_last_of_the_month(day, months, after):
    assert Months(months, "4").after(dt.date.fromisoformat(day)) == dt.date.fromisoformat(after)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)), st.integers(1, 60))
def test_months_go_forward(day, count):
    after = Months(count, "4").after(day)
    assert (after.year * 12 + after.month) - (day.year * 12 + day.month) == count
    assert after.day <= day.day
    assert after.day == day.day or (after + dt.timedelta(days=1)).day == 1


def test_the_cadre_gives_its_numbers_with_their_paragraphs():
    spans = {
        field.name: (span.count, span.basis)
        for field in dataclasses.fields(CADRE_2014)
        if isinstance(span := getattr(CADRE_2014, field.name), Months)
    }
    assert spans == {
        "promotion_at_least": (3, "4.1"),
        "diagnosis_at_least": (7, "4.2"),
        "diagnosis_at_most": (10, "4.2"),
        "plenary_every": (12, "3.1"),
        "lasts": (48, "4.5"),
    }
    assert CADRE_2014.departments == 5
    assert CADRE_2014.parity


def test_frameworks_follow_one_another():
    adopted = [framework.adopted_on for framework in FRAMEWORKS.values()]
    assert adopted == sorted(adopted)
    assert all(name == framework.version for name, framework in FRAMEWORKS.items())


@given(since=st.dates(dt.date(2000, 1, 1), dt.date(2040, 1, 1)), days=st.integers(-40, 1500))
def test_months_have_passed_from_the_day_after_the_same_day_of_a_later_month(since, days):
    day = since + dt.timedelta(days)
    for count in (1, 7, 12, 48):
        months = Months(count, "3.1")
        assert months.passed(since, day) == (day > months.after(since))
