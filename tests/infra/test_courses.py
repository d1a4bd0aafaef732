"""Courses in memory go on with their contracts, are shared safely, and have their limits."""

import threading

import pytest

from infra.courses import Courses
from projections.catalogue import VIEWS
from projections.changes import changes
from projections.intervals import Stretch, decided, learned
from tests.domain import stages
from tests.domain.given import told
from tests.projections.story import TODAY, named, vieux_moulin

ROADMAP = VIEWS["roadmap"]


def stretch(history, first=0, last=None, corrections=None):
    return Stretch(history, first, len(history) if last is None else last, corrections)


def pointers(found):
    return [(change.pointer, change.by.position) for change in found]


def asked(courses, part, contract="example", view=ROADMAP):
    with courses.changes(contract, view, part, since=TODAY, until=TODAY) as found:
        return pointers(found)


def expected(part, view=ROADMAP):
    return pointers(changes(view, part, since=TODAY, until=TODAY))


@pytest.fixture
def courses():
    return Courses()


@pytest.fixture
def history():
    return list(told(*stages.CLOSED).history)


@pytest.fixture
def handled(monkeypatch):
    """The positions of the decisions that the roadmap has taken in, in order."""
    seen = []

    def see(view, decision, recorded):
        seen.append(recorded.position)

    monkeypatch.setattr(ROADMAP.handlers, "of_any", [see])
    ROADMAP.handlers.clear()
    yield seen
    monkeypatch.undo()
    ROADMAP.handlers.clear()


def test_whoever_asks_again_waits_for_no_fold(courses, history, handled):
    parts = [stretch(history), stretch(history, 20, 60), stretch(history, 0, 5)]
    first = [asked(courses, part) for part in parts]
    assert handled == [recorded.position for recorded in history]
    assert first == [expected(part) for part in parts]


def test_a_course_goes_on_with_what_was_recorded_since(courses, history, handled):
    assert asked(courses, stretch(history[:40])) == expected(stretch(history[:40]))
    handled.clear()
    assert asked(courses, stretch(history)) == expected(stretch(history))
    assert handled[: len(history) - 40] == [r.position for r in history[40:]]


def test_who_has_read_less_than_a_course_is_answered_as_of_then(courses, history):
    asked(courses, stretch(history))
    assert asked(courses, stretch(history[:40])) == expected(stretch(history[:40]))


def test_a_course_of_another_history_is_made_anew(courses, history):
    """As when a backup was restored, and something else recorded since."""
    asked(courses, stretch(history))
    other = list(told(*stages.FUNDED, *stages.ASSIGNED[len(stages.FUNDED) :][:1]).history)
    changed = [*other[:-1], named([history[len(other)]], "example")[0]]
    assert asked(courses, stretch(changed)) == expected(stretch(changed))


def test_as_corrected_and_as_recorded_are_two_courses(courses):
    history = list(vieux_moulin())
    last = history[-1].act.decided_on
    parts = [learned(history, None, history[-1].recorded_at), decided(history, None, last)]
    assert parts[1].corrections
    found = {
        view.name: [asked(courses, part, view=view) for part in parts]
        for view in VIEWS.values()
        if not view.of_last
    }
    for name, both in found.items():
        assert both == [expected(part, VIEWS[name]) for part in parts]
    assert any(one != other for one, other in found.values())


def test_what_fails_on_the_way_is_made_anew(courses, history, monkeypatch):
    asked(courses, stretch(history[:10]))
    broken = [*history[:20], None]
    with pytest.raises(AttributeError):
        asked(courses, stretch(broken))
    assert asked(courses, stretch(history)) == expected(stretch(history))


def test_what_fails_while_it_is_read_is_made_anew(courses, history):
    """As when a worker is told to stop: the document may be wound half-way."""
    part = stretch(history[:40])
    asked(courses, part)
    held = courses.hold("example", ROADMAP, part)
    course = held.__enter__()
    course.past.wind(course.journal.length(10))
    stopped = SystemExit()
    assert not held.__exit__(SystemExit, stopped, None)
    assert asked(courses, stretch(history)) == expected(stretch(history))


def test_many_ask_at_once_while_it_goes_on(courses, history):
    wrong, together = [], threading.Barrier(8)

    def ask(number):
        together.wait()
        for count in range(number + 1, len(history), 7):
            part = stretch(history[:count], count // 3)
            if asked(courses, part) != expected(part):
                wrong.append(count)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_courses_not_used_for_longest_are_forgotten(history, handled):
    courses = Courses(writes_kept=1)
    part = stretch(history)
    for name in ("one", "other", "one"):
        assert asked(courses, part, name) == expected(part)
    assert len(courses._held) == 1
    del handled[:]
    asked(courses, part, "one")
    assert handled == []
