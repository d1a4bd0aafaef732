"""Changes lead from one state of a view to the other, and each has a decision behind it."""

import datetime as dt
import json
from dataclasses import dataclass, field, replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.corrections import DecisionAnnulled
from domain.history import Placing, effective
from projections import catalogue
from projections.change import plain
from projections.changes import Difference, between, changes
from projections.course import Course, course_of
from projections.facts import Book, book
from projections.intervals import Interval, Stretch, decided, learned
from projections.journal import Journal
from projections.noting import ABSENT, Moved
from projections.view import fold
from tests.domain import stages
from tests.domain.given import instant, text_ref, told
from tests.domain.test_laws import attempts
from tests.projections.story import paquis, vieux_moulin

VIEWS = catalogue.VIEWS.values()
TODAY = dt.date(2026, 11, 22)
BEFORE = instant(0)

each_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
some = settings(
    max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def shown(view, history, day, **at):
    """The view's answer as JSON."""
    return orjson.loads(view.answer(fold(view, history, **at), day))


def follow(document, found):
    """Follow changes as their documentation tells a client to, by their pointers alone."""
    told_ = [{"pointer": change.pointer, "after": plain(change.after)} for change in found]
    return follow_json(
        document,
        [{k: v for k, v in change.items() if v is not ABSENT} for change in told_],
    )


def follow_json(document, found):
    """Follow changes as `/changes` tells them."""
    document = json.loads(json.dumps(document))
    for change in found:
        *steps, last = [
            step.replace("~1", "/").replace("~0", "~") for step in change["pointer"].split("/")[1:]
        ]
        node = document
        for step in steps:
            node = node[int(step) if isinstance(node, list) else step]
        if isinstance(node, list):
            index = int(last)
            if "after" in change:
                node.extend([None] * (index + 1 - len(node)))
                node[index] = change["after"]
            else:
                del node[index:]
        elif "after" in change:
            node[last] = json.loads(json.dumps(change["after"]))
        else:
            node.pop(last, None)
    return document


def between_instants(view, history, since, until):
    return changes(view, learned(history, since, until), since=TODAY, until=TODAY)


def hold_between_instants(view, history, since, until):
    found = between_instants(view, history, since, until)
    before = shown(view, history, TODAY, known_at=since)
    after = shown(view, history, TODAY, known_at=until)
    assert follow(before, found) == after
    inside = {r.position for r in history if since < r.recorded_at <= until}
    assert all(change.by is not None and change.by.position in inside for change in found)
    assert [c.by.position for c in found] == sorted(c.by.position for c in found)


def hold_between_days(view, history, since, until):
    found = changes(view, decided(history, since, until), since=since, until=until)
    before = shown(view, history, since, valid_at=since)
    after = shown(view, history, until, valid_at=until)
    assert follow(before, found) == after
    inside = {r.position for r in history if since < r.act.decided_on <= until}
    for change in found:
        if change.by is None:
            assert view.depends_on_the_day, change
        else:
            assert change.by.position in inside
            assert since < change.by.act.decided_on <= until


# --- Laws ---------------------------------------------------------------------------------------


@each_view
def test_a_journal_changes_nothing(view):
    history = told(*stages.CLOSED).history
    course = course_of(view, Interval([], history))
    assert view.dump(course.doc) == view.dump(fold(view, history))


def learned_by(history, since, until, valid_at=None):
    stretch = learned(history, since, until)
    return stretch.as_decided_by(valid_at) if valid_at else stretch.interval


def states(interval):
    """What counts once none, one, two … of the steps are taken, by what an interval says."""
    counts = {recorded.position: recorded for recorded in interval.base}
    places = interval.places or [[(step.position, step)] for step in interval.steps]
    yield [counts[position] for position in sorted(counts)]
    for changed in places:
        counts |= dict(changed)
        yield [counts[place] for place in sorted(counts) if counts[place] is not None]


@some
@given(data=st.data())
def test_an_interval_says_what_counts_after_each_step(data):
    history = attempts(data, most=20).history
    since = data.draw(st.integers(0, len(history)))
    valid_at = data.draw(
        st.none() | st.sampled_from([r.act.decided_on for r in history] or [TODAY])
    )
    interval = learned_by(history, instant(since), instant(len(history)), valid_at)
    for count, counts in enumerate(states(interval), start=since):
        assert counts == list(effective(history[:count], valid_at=valid_at))


@some
@given(data=st.data())
def test_wherever_a_decision_is_put_the_document_is_that_of_what_counts_then(data):
    """A step may stand before others: what came after it is taken back, and taken in again."""
    history = attempts(data, most=20).history
    if not history:
        return
    since, until = sorted(data.draw(st.sampled_from(history)).act.decided_on for _ in range(2))
    for interval in (
        learned_by(history, None, instant(len(history))),
        decided(history, since, until).interval,
    ):
        for view in VIEWS:
            course = course_of(view, interval)
            *_, last = states(interval)
            expected = view.begin()
            view.take(expected, last)
            assert json.loads(view.dump(course.doc)) == json.loads(view.dump(expected))


@each_view
def test_changes_lead_from_any_state_of_a_story_to_any_later_one(view):
    history = told(*stages.CLOSED).history
    places = range(0, len(history) + 1, 7)
    for since in places:
        for until in (place for place in places if place >= since):
            hold_between_instants(view, history, instant(since), instant(until))


@each_view
def test_changes_lead_from_any_day_of_a_story_to_any_later_one(view):
    history = told(*stages.CLOSED).history
    days = sorted({r.act.decided_on for r in history})[::6]
    for since in days:
        for until in (day for day in days if day >= since):
            hold_between_days(view, history, since, until)


@some
@given(data=st.data())
def test_changes_lead_from_one_state_to_another_whatever_was_decided(data):
    history = attempts(data, most=20).history
    if not history:
        return
    places = st.integers(0, len(history))
    since, until = sorted((data.draw(places), data.draw(places)))
    days = st.sampled_from([r.act.decided_on for r in history])
    first, last = sorted((data.draw(days), data.draw(days)))
    for view in VIEWS:
        hold_between_instants(view, history, instant(since), instant(until))
        hold_between_days(view, history, first, last)


@some
@given(data=st.data())
def test_a_course_serves_any_two_states_again_and_again_and_goes_on(data):
    """As if it had been made for each question, corrections or not; and it is left as it was."""
    history = attempts(data, most=30).history
    view = data.draw(st.sampled_from([view for view in VIEWS if not view.of_last]))
    course, placing = Course(view, lot=data.draw(st.sampled_from([1, 2, 128]))), Placing()
    for _ in range(3):
        more = history[len(course.steps) : data.draw(st.integers(0, len(history)))]
        course.follow(more, placing.follow(more))
        known = len(course.steps)
        first, last = sorted(data.draw(st.lists(st.integers(0, known), min_size=2, max_size=2)))
        with between(course, first, last, since=TODAY, until=TODAY) as found:
            told_ = [listed(change) for change in found]
        fresh = changes(view, Stretch(history, first, last), since=TODAY, until=TODAY)
        assert told_ == [listed(change) for change in fresh]
        expected = view.fold(history[:known])
        assert json.loads(view.dump(course.doc)) == json.loads(view.dump(expected))


@pytest.mark.parametrize("view", [v for v in VIEWS if not v.of_last], ids=lambda view: view.name)
def test_the_answer_is_the_same_whether_its_course_was_kept_or_made_for_it(view):
    """To the order of what one decision changed: both have one ETag."""
    history = list(vieux_moulin())
    course = Course(view)
    course.follow(history, Placing().follow(history))
    for first in range(0, len(history), 27):
        for last in range(first, len(history) + 1, 22):
            with between(course, first, last, since=TODAY, until=TODAY) as found:
                told_ = [listed(change) for change in found]
            fresh = changes(view, Stretch(history, first, last), since=TODAY, until=TODAY)
            assert told_ == [listed(change) for change in fresh]


def listed(change):
    by = change.by and change.by.position
    return change.pointer, plain(change.before), plain(change.after), by


# --- Who it was ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Line:
    words: int = 0
    items: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    words: int = 0
    line: Line = field(default_factory=Line)
    lines: Book[str, Line] = book(Line)
    names: dict[str, int] = field(default_factory=dict)
    notes: list[Line] = field(default_factory=list)


def traced(*steps, before=()):
    """The changes that these writes bring about, each by its place among them, from 1."""
    page, journal = Page(), Journal()
    for step in before:
        step(page)
    journal.keep(page)
    with journal.open():
        for place, step in enumerate(steps, start=1):
            journal.begin(place)
            step(page)
            journal.settle()
    return {
        f"/{'/'.join(path)}": (plain(before), plain(after), step)
        for step, path, before, after in Difference(journal, 1, len(steps) + 1).of(page)
    }


def test_the_same_written_again_keeps_its_writer():
    def write(page):
        page.words = page.line.words = 7
        page.names["n"] = 7

    assert traced(write, write) == {
        "/words": (0, 7, 1),
        "/line/words": (0, 7, 1),
        "/names/n": (ABSENT, 7, 1),
    }


def test_what_was_done_and_undone_is_no_change():
    def do(page):
        page.words = 1
        page.names["n"] = 1
        page.lines["l"].words = 1
        page.notes.append(Line(1))

    def undo(page):
        page.words = 0
        del page.names["n"], page.lines["l"]
        page.notes.pop()

    assert traced(do, undo) == {}


def test_a_thing_belongs_to_who_began_it_and_what_is_in_it_to_who_wrote_there():
    def begin(page):
        page.lines["l"].words = 1
        page.lines["l"].items.append("a")

    def follow(page):
        page.lines["l"].words = 2
        page.lines["l"].items.append("b")

    assert traced(begin, follow) == {
        "/lines/l": (ABSENT, {"items": ["a"]}, 1),
        "/lines/l/words": (ABSENT, 2, 2),
        "/lines/l/items/1": (ABSENT, "b", 2),
    }


def test_what_was_there_is_told_as_it_was_whatever_was_done_to_it_since():
    def before(page):
        page.lines["gone"].items.append("a")
        page.lines["new"].items.extend("ab")
        page.notes.append(Line(1))

    def change(page):
        page.lines["gone"].items.append("b")
        page.lines["new"].items.insert(0, "c")
        page.notes[0].words = 2

    def replace_(page):
        del page.lines["gone"]
        page.lines["new"] = Line(5, ["a"])
        page.notes[:] = [Line(3)]

    assert traced(change, replace_, before=[before]) == {
        "/lines/gone": ({"words": 0, "items": ["a"]}, ABSENT, 2),
        "/lines/new/words": (0, 5, 2),
        "/lines/new/items/1": ("b", ABSENT, 2),
        "/notes/0/words": (1, 3, 2),
    }


def _forwards(page):
    page.notes[:] = page.notes[1:]


def _elsewhere(page):
    page.lines["l"] = page.notes.pop()


def _twice(page):
    page.lines["l"] = page.lines["m"] = Line()


@pytest.mark.parametrize("move", [_forwards, _elsewhere, _twice])
def test_a_container_stays_where_it_was_begun(move):
    """What is written in it afterwards would be lost otherwise."""

    def begin(page):
        page.notes.extend([Line(1), Line(2)])

    with pytest.raises(Moved):
        traced(begin, move)


@each_view
def test_without_its_decision_a_change_would_not_be(view):
    """Up to the decision before, the place is not as it is with it."""
    history = told(*stages.CLOSED).history
    end = instant(len(history))
    for since in (0, len(history) // 2):
        for change in between_instants(view, history, instant(since), end)[::7]:
            states = [
                at(shown(view, history, TODAY, known_at=instant(place)), change.path)
                for place in (change.by.position - 1, change.by.position)
            ]
            assert states[0] != states[1], change.pointer


@pytest.mark.parametrize("story", [paquis, vieux_moulin])
@pytest.mark.parametrize("view", [v for v in VIEWS if v.depends_on_the_day], ids=lambda v: v.name)
def test_an_answer_is_as_it_is_from_its_decision_on(view, story):
    """On both axes, corrections or not: not before its decision, and with it."""
    history = list(story())
    days = sorted({r.act.decided_on for r in history})
    third = len(history) // 3
    spans = [
        (learned(history, instant(third), instant(len(history))), TODAY),
        (learned_by(history, None, instant(2 * third), days[len(days) // 2]), TODAY),
        (decided(history, days[len(days) // 4], days[-1]), days[-1]),
        (decided(history, None, days[len(days) // 2]), days[len(days) // 2]),
    ]
    for states_, day in spans:
        hold_from_its_decision_on(view, states_.interval, day)


def test_what_is_gone_from_an_answer_belongs_to_who_took_it_away():
    """Not to what was decided since: a departure goes with the decision that made it."""
    history = list(paquis())
    place = next(r.position for r in history if r.act.departures)
    for decision in (
        DecisionAnnulled(position=place, reason=text_ref("Une erreur.")),
        history[-1].decision,
    ):
        following = len(history) + 1
        at_end = {"position": following, "version": following, "recorded_at": instant(following)}
        history.append(replace(history[-1], decision=decision, **at_end))
    conformity, end = catalogue.VIEWS["conformity"], len(history)
    since, until = instant(end - 2), instant(end)
    hold_from_its_decision_on(conformity, learned_by(history, since, until), TODAY)
    found = between_instants(conformity, history, since, until)
    gone = {change.pointer: change.by.position for change in found if change.after is ABSENT}
    assert "/departures/2" in gone
    assert set(gone.values()) == {end - 1}


@some
@given(data=st.data())
def test_an_answer_is_as_it_is_from_its_decision_on_whatever_was_decided(data):
    history = attempts(data, most=20).history
    if not history:
        return
    days = st.sampled_from([r.act.decided_on for r in history])
    since, until = sorted((data.draw(days), data.draw(days)))
    for view in (each for each in VIEWS if each.depends_on_the_day):
        hold_from_its_decision_on(view, learned_by(history, None, instant(len(history))), TODAY)
        hold_from_its_decision_on(view, decided(history, since, until).interval, until)


def hold_from_its_decision_on(view, interval, day):
    def answer(counts):
        doc = view.begin()
        view.take(doc, counts)
        return orjson.loads(view.answer(doc, day))

    answers = list(map(answer, states(interval)))
    places = {step.position: place for place, step in enumerate(interval.steps, start=1)}
    for change in changes(view, interval, since=day, until=day):
        place = places[change.by.position]
        before, after = (at(answers[each], change.path) for each in (place - 1, place))
        assert before != after == plain(change.after), change.pointer


def at(document, path):
    for step in path:
        if isinstance(document, list) and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return ABSENT
    return document
