"""Threads that ask at the same moment are answered together, each with its own answer."""

import threading
import time

import pytest

from infra.eventstore.group_commit import Abandoned, Combiner
from tests.infra.store.acts import in_threads


def test_a_single_thread_waits_for_nobody():
    calls = []

    def run(requests):
        calls.append(list(requests))
        return [request * 2 for request in requests]

    combiner = Combiner(run, most=10)
    assert [combiner(number) for number in (1, 2, 3)] == [2, 4, 6]
    assert calls == [[1], [2], [3]]


@pytest.mark.parametrize("most", [1, 3, 100])
def test_each_thread_gets_its_own_answer_and_calls_never_overlap(most):
    calls, running = [], threading.Lock()

    def run(requests):
        assert running.acquire(blocking=False)
        time.sleep(0.001)
        calls.append(list(requests))
        running.release()
        return [request if request % 7 else KeyError(request) for request in requests]

    combiner = Combiner(run, most=most)

    def work(number):
        answers = []
        for turn in range(30):
            request = number * 100 + turn + 1
            try:
                answers.append(combiner(request) == request)
            except KeyError as error:
                answers.append(error.args == (request,) and request % 7 == 0)
        return all(answers)

    assert in_threads(12, work) == [True] * 12
    asked = sorted(request for call in calls for request in call)
    assert asked == sorted(number * 100 + turn + 1 for number in range(12) for turn in range(30))
    assert max(map(len, calls)) <= most
    if most == 100:
        assert max(map(len, calls)) > 1


def test_what_the_call_raises_is_raised_in_every_thread_of_it():
    started, release = threading.Event(), threading.Event()

    def run(requests):
        if requests == ["first"]:
            started.set()
            release.wait(10)
            return ["done"]
        raise RuntimeError(len(requests))

    combiner = Combiner(run, most=10)

    def work(number):
        if number == 0:
            return combiner("first")
        started.wait(10)
        if number == 3:
            time.sleep(0.2)
            release.set()
        return combiner("later")

    first, *others = in_threads(4, work)
    assert first == "done"
    assert {type(other) for other in others} == {RuntimeError}
    assert sum({str(other): int(str(other)) for other in others}.values()) >= 2


def test_an_interrupt_is_for_the_thread_that_led():
    started, release = threading.Event(), threading.Event()

    def run(requests):
        if requests == ["first"]:
            started.set()
            release.wait(10)
            return ["done"]
        raise KeyboardInterrupt

    combiner = Combiner(run, most=10)

    def work(number):
        if number == 0:
            return combiner("first")
        started.wait(10)
        if number == 3:
            time.sleep(0.2)
            release.set()
        try:
            return combiner("later")
        except BaseException as error:
            return type(error)

    first, *others = in_threads(4, work)
    assert first == "done"
    assert set(others) <= {KeyboardInterrupt, Abandoned}
    assert Abandoned in others
