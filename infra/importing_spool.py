"""What an import has judged and is going to write, kept aside until all of it is accepted."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from domain.canonical import canonical
from infra.append import LARGEST, Write, append
from infra.submission import ERASURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from infra.submission import Draft

BATCH: Final = 1024 * 1024
"""Bytes in one call, about; a call has several copies of them."""

IN_MEMORY: Final = 32 * 1024 * 1024
"""Bytes; beyond that the spool is a file without a name, gone with the process."""


class Spool:
    """Drafts in order, as bytes.

    Args:
        size: events in the log when the judging began. Positions are given out from there, but
            others may record meanwhile: they are final only once the first batch is appended.
    """

    def __init__(self, size: int) -> None:
        self._start = size
        self._count = 0
        self._erasing: list[Draft] = []
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, draft: Draft, *, moves: bool) -> int:
        """Put a draft at the end; the position it will have if nobody else records meanwhile.

        Args:
            draft: judged, on the drafts before it.
            moves: it names the position of an earlier draft, which is not final either.
        """
        entry = {"event": draft.event(), "texts": draft.keeper.texts, "moves": moves}
        self._file.write(orjson.dumps(entry) + b"\n")
        if isinstance(draft.decision, ERASURES):
            self._erasing.append(draft)
        self._count += 1
        return self._start + self._count

    def append(self) -> None:
        """Write everything, in this thread's transaction.

        Raises:
            StaleVersion: a contract has moved on since it was judged.
        """
        written = moved = 0
        for events, texts, moves in self._batches():
            if moves:
                for event in events:
                    _move(event, moved)
            appended = append(Write([_with_bytes(event) for event in events], texts))
            written += len(events)
            moved = appended.last_position - self._start - written
        for draft in self._erasing:
            draft.erase()

    def _batches(self) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]], bool]]:
        """Events and texts of at most one call, and whether the one event names a position.

        Such an event is a batch of its own: what it names is then written and final.
        """
        self._file.seek(0)
        events: list[dict[str, Any]] = []
        texts: list[dict[str, Any]] = []
        size = 0
        for line in self._file:
            entry = orjson.loads(line)
            most = max(len(events) + 1, len(texts) + len(entry["texts"]))
            too_much = most > LARGEST or size + len(line) > BATCH
            if events and (too_much or entry["moves"]):
                yield events, texts, False
                events, texts, size = [], [], 0
            if entry["moves"]:
                yield [entry["event"]], entry["texts"], True
                continue
            events.append(entry["event"])
            texts += entry["texts"]
            size += len(line)
        if events:
            yield events, texts, False


def _move(event: dict[str, Any], by: int) -> None:
    event["payload"]["data"]["position"] += by


def _with_bytes(event: dict[str, Any]) -> dict[str, Any]:
    """With the payload in canonical bytes again."""
    return event | {"payload": orjson.Fragment(canonical(event["payload"]))}
