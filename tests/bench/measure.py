"""One measurement beside another, and the ratio that matters."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Ratio:
    """A line of the table.

    name: what is compared, ours first. unit: of `ours` and `theirs`. mark: the ratio to reach,
    from above or from below as `kind` says.
    """

    name: str
    ours: float
    theirs: float
    unit: str
    mark: float
    kind: Literal[">=", "<="] = ">="

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    @property
    def reached(self) -> bool:
        return self.ratio >= self.mark if self.kind == ">=" else self.ratio <= self.mark


@dataclass(frozen=True)
class Figure:
    """A line of the table that is not a ratio: a figure and its mark, at most."""

    name: str
    value: float
    unit: str
    mark: float

    @property
    def reached(self) -> bool:
        return self.value <= self.mark


@dataclass(frozen=True)
class Growth:
    """A line of the table: what something costs where there is much, beside where there is little.

    mark: for `many`, at most, or at least where it is a rate.
    """

    name: str
    many: float
    few: float
    unit: str
    mark: float
    kind: Literal[">=", "<="] = "<="

    @property
    def reached(self) -> bool:
        return self.many >= self.mark if self.kind == ">=" else self.many <= self.mark


def rate(job: Callable[[int], object], *, writers: int, seconds: float) -> float:
    """Calls per second of `job(writer)` by so many threads; what was begun is finished."""
    done = [0] * writers
    until = time.perf_counter() + seconds
    errors: list[BaseException] = []

    def run(writer: int) -> None:
        try:
            while time.perf_counter() < until and not errors:
                job(writer)
                done[writer] += 1
        except BaseException as error:
            errors.append(error)

    began = time.perf_counter()
    threads = [threading.Thread(target=run, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(done) / (time.perf_counter() - began)


def interleaved(
    ours: Callable[[], float], theirs: Callable[[], float], *, rounds: int = 3
) -> tuple[float, float]:
    """The medians of both, measured in turn, so that the machine's moods fall on both alike."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(o for o, _ in pairs), statistics.median(t for _, t in pairs)


def seconds(job: Callable[[], object], *, times: int = 1) -> float:
    """Seconds one call takes: the median of so many."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        job()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
