"""Python's garbage collector, told what kind of memory a long-lived process of ours has."""

from __future__ import annotations

import gc


def look_seldom_for_cycles() -> None:
    """Leave alone what is loaded by now, and look through what is new less often.

    Histories and accounts in memory are many small objects and no cycles: looking through them at
    every seven hundredth new one, as Python does by default, took 8 % of the time of recording.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
