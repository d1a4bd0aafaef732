"""Changes lead from one state of a view to the other, and each has a decision behind it."""

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.chapters.corrections import DecisionAnnulled
from domain.kernel.history import effective
from projections import catalogue
from projections.changes.changes import ABSENT, changes
from projections.changes.intervals import Interval, decided, learned
from projections.engine.view import fold, written
from projections.facts.facts import Book, book
from tests.domain import stages
from tests.domain.given import instant, text_ref, told
from tests.domain.test_laws import attempts
from tests.projections.story import paquis, vieux_moulin

VIEWS = catalogue.VIEWS.values()
TODAY = dt.date(2026, 11, 22)

each_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
some = settings(
    max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def shown(view, history, day, **at):
    """The view's answer as JSON."""
    return orjson.loads(view.answer(fold(view, history, **at), day))


def follow(document, found):
    """Follow changes as their documentation tells a client to, by their pointers alone."""
    return follow_json(
        document,
        [
            {"pointer": change.pointer}
            | ({} if change.after is ABSENT else {"after": change.after})
            for change in found
        ],
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


def states(interval):
    """What counts once none, one, two … of the steps are taken, by what an interval says."""
    counts = list(interval.base)
    yield counts
    for count, step in enumerate(interval.steps, start=1):
        following = interval.counted(count)
        counts = [*counts, step] if following is None else following
        yield counts


def hold_the_law_of_the_last(view, interval, day):
    """A place belongs to the last step after which it is not what it was before.

    So it was something else before that step, and stays as it is after it.
    """

    def answer(counts):
        doc = view.begin()
        view.take(doc, counts)
        return orjson.loads(view.answer(doc, day))

    answers = list(map(answer, states(interval)))
    numbers = {step.position: number for number, step in enumerate(interval.steps, start=1)}
    for change in changes(view, interval, since=day, until=day):
        number = numbers[change.by.position]
        was, *later = (at(answer, change.path) for answer in answers[number - 1 :])
        if isinstance(change.after, dict):  # what later steps wrote in it is theirs
            assert was != later[0], change.pointer
            assert all(isinstance(value, dict) for value in later), change.pointer
        else:
            assert all(was != change.after == value for value in later), change.pointer


@some
@given(data=st.data())
def test_an_interval_says_what_counts_after_each_step(data):
    history = attempts(data, most=20).history
    since = data.draw(st.integers(0, len(history)))
    valid_at = data.draw(
        st.none() | st.sampled_from([r.act.decided_on for r in history] or [TODAY])
    )
    interval = learned(history, instant(since), instant(len(history)), valid_at)
    known = [since, *(step.position for step in interval.steps)]
    for count, counts in zip(known, states(interval), strict=True):
        assert counts == list(effective(history[:count], valid_at=valid_at))


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


# --- Who it was ---------------------------------------------------------------------------------


@each_view
@pytest.mark.parametrize("story", [paquis, vieux_moulin])
def test_a_place_belongs_to_the_last_decision_that_changed_it(view, story):
    """On both axes, corrections or not."""
    history = list(story())
    days = sorted({r.act.decided_on for r in history})
    third = len(history) // 3
    for interval, day in (
        (learned(history, instant(third), instant(len(history))), TODAY),
        (learned(history, None, instant(2 * third), days[len(days) // 2]), TODAY),
        (decided(history, days[len(days) // 4], days[-1]), days[-1]),
        (decided(history, None, days[len(days) // 2]), days[len(days) // 2]),
    ):
        hold_the_law_of_the_last(view, interval, day)


@some
@given(data=st.data())
def test_a_place_belongs_to_the_last_decision_that_changed_it_whatever_was_decided(data):
    history = attempts(data, most=20).history
    if not history:
        return
    days = st.sampled_from([r.act.decided_on for r in history])
    since, until = sorted((data.draw(days), data.draw(days)))
    first = data.draw(st.integers(0, len(history)))
    for view in VIEWS:
        for interval, day in (
            (learned(history, instant(first), instant(len(history))), TODAY),
            (learned(history, instant(first), instant(len(history)), until), until),
            (decided(history, since, until), until),
        ):
            hold_the_law_of_the_last(view, interval, day)


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
    view = SimpleNamespace(
        begin=Page,
        take=lambda page, done: [step.decision(page) for step in done],
        apply=lambda page, step: step.decision(page),
        answer=lambda page, _: written(page),
        handlers=defaultdict(lambda: True),
        depends_on_the_day=False,
    )
    base, taken = (
        [SimpleNamespace(decision=step, position=place) for place, step in enumerate(each, 1)]
        for each in (before, steps)
    )
    found = changes(view, Interval(base, taken, lambda _: None), since=TODAY, until=TODAY)
    return {change.pointer: (change.before, change.after, change.by.position) for change in found}


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
        "/lines/l": (ABSENT, {}, 1),
        "/lines/l/words": (ABSENT, 2, 2),
        "/lines/l/items": (ABSENT, ["a", "b"], 2),
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
        "/lines/new/items": (["a", "b"], ["a"], 2),
        "/notes/0/words": (1, 3, 2),
    }


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
    hold_the_law_of_the_last(conformity, learned(history, since, until), TODAY)
    found = between_instants(conformity, history, since, until)
    gone = {change.pointer: change.by.position for change in found if change.after is ABSENT}
    assert "/departures/2" in gone
    assert set(gone.values()) == {end - 1}


def at(document, path):
    for step in path:
        if isinstance(document, list) and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return ABSENT
    return document
