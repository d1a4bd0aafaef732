"""How fast read models catch up, beside only reading and decoding the same events."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.bench.measure import Ratio, interleaved, seconds
from tests.bench.rebuild import append_all, copied, examples

if TYPE_CHECKING:
    from tests.bench.place import Place

CONTRACTS = 600
IMPORTED, OF_OTHERS = 0.12, 0.015
"""Marks: about 9,000 and 1,200 decisions/s where 80,000 are read."""

PIECE = 3_000
"""Decisions caught up with at once, six batches: the contracts are past half of their lives."""


def beside_reading(place: Place) -> Iterator[Ratio]:
    """All views and tables: runs of one contract, as of an import; and each decision of another."""
    from infra.eventstore.source import StoredEvents  # noqa: PLC0415
    from infra.eventstore.store import log_size  # noqa: PLC0415
    from infra.operations.background import runner  # noqa: PLC0415 - settings come first
    from projections.catalogue import PROJECTIONS  # noqa: PLC0415
    from projections.engine.rebuild import rebuild  # noqa: PLC0415

    source, lives = StoredEvents(), examples()
    events = CONTRACTS // len(lives) * sum(map(len, lives.values()))
    imported = list(copied(lives, events))
    length = {name: len(life) for name, life in lives.items()}

    def share(event: dict[str, Any]) -> float:
        """How far into the life of its contract an event is."""
        return float(event["version"]) / length[event["contract"].rpartition("-")[0]]

    among = sorted(imported, key=share)
    of_others = [{**event, "contract": f"other-{event['contract']}"} for event in among]

    def read() -> None:
        position = log_size() - PIECE
        while batch := list(source.after(position, 500)):
            position = batch[-1].position

    for how, order, mark in (
        ("runs of one contract", imported, IMPORTED),
        ("each of another contract than the last", of_others, OF_OTHERS),
    ):
        half = len(order) // 2
        append_all(order[:half])
        rebuild(source, PROJECTIONS.values())
        coming = iter(order[half:])

        def caught_up(coming: Iterator[dict[str, Any]] = coming) -> float:
            append_all(itertools.islice(coming, PIECE))
            following = runner()
            return PIECE / seconds(following.catch_up)

        yield Ratio(
            f"read models catching up, {how}, beside reading",
            *interleaved(caught_up, lambda: PIECE / seconds(read)),
            unit="decisions/s",
            mark=mark,
        )
