"""What an import has judged and is going to write, kept aside until all of it is accepted.

Identities and texts are written first, then the events: from the first of those on, everybody
else who records waits for the counter row. So they lie ready as bytes, and nothing is done in
between but to hand them to the database.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from domain.kernel.canonical import canonical
from infra import vault
from infra.eventstore.append import LARGEST, Write, append
from infra.recording.submission import ERASURES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import TracebackType

    from infra.recording.submission import Draft

BATCH: Final = 1024 * 1024
"""Bytes in one call, about; a call has several copies of them."""

IN_MEMORY: Final = 16 * 1024 * 1024
"""Bytes of each list; one that is longer is a file without a name, gone with the process."""


class _List:
    """JSON values in order, each written on a line."""

    def __init__(self) -> None:
        self.count = 0
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by the spool

    def add(self, value: Any) -> None:
        """Put a value at the end."""
        self._file.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
        self.count += 1

    def batches(self, cut: int | None = None) -> Iterator[list[bytes]]:
        """The values as they are written, as many at a time as one call takes.

        A batch ends before the value of the index `cut`.
        """
        self._file.seek(0)
        batch: list[bytes] = []
        size = 0
        for index, line in enumerate(self._file):
            if batch and (len(batch) == LARGEST or size + len(line) > BATCH or index == cut):
                yield batch
                batch, size = [], 0
            batch.append(line)
            size += len(line)
        if batch:
            yield batch

    def close(self) -> None:
        """Forget it all."""
        self._file.close()


class Spool:
    """Drafts in order, as bytes.

    Args:
        size: events in the log when the judging began. Positions are given out from there, but
            others may record meanwhile: they are final only once the first batch is appended.
    """

    def __init__(self, size: int) -> None:
        self._start = size
        self._events, self._texts, self._persons = _List(), _List(), _List()
        self._moving: set[int] = set()
        self._erasing: list[Draft] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each in (self._events, self._texts, self._persons):
            each.close()

    def add(self, draft: Draft, *, moves: bool) -> int:
        """Put a draft at the end; the position it will have if nobody else records meanwhile.

        Args:
            draft: judged, on the drafts before it.
            moves: it names the position of an earlier draft, which is not final either.
        """
        if moves:
            self._moving.add(self._events.count)
        self._events.add(draft.event())
        for text in draft.keeper.texts:
            self._texts.add(text)
        if isinstance(draft.decision, ERASURES):
            self._erasing.append(draft)
        return self._start + self._events.count

    def add_person(self, person: dict[str, Any]) -> None:
        """Put an identity at the end, as `vault.add_persons` takes it."""
        self._persons.add(person)

    def append(self) -> None:
        """Write everything, in this thread's transaction, which is to be committed at once.

        Raises:
            StaleVersion: a contract has moved on since it was judged.
        """
        for batch in self._persons.batches():
            vault.add_persons(_fragments(batch))
        for batch in self._texts.batches():
            append(Write([], _fragments(batch)))
        for draft in self._erasing:
            draft.erase()
        written = moved = 0
        # What names a position waits for the first call: it then is final, as are all others.
        for batch in self._events.batches(cut=min(self._moving, default=None)):
            events = _moved(batch, self._moving, written, moved) if moved else batch
            appended = append(Write(_fragments(events)))
            written += len(batch)
            moved = appended.last_position - self._start - written


def _fragments(lines: list[bytes]) -> list[orjson.Fragment]:
    return [orjson.Fragment(line) for line in lines]


def _moved(lines: list[bytes], moving: Collection[int], first: int, by: int) -> list[bytes]:
    """Events with the positions that some of them name moved, by index from the first one's."""
    return [_move(line, by) if index in moving else line for index, line in enumerate(lines, first)]


def _move(line: bytes, by: int) -> bytes:
    event = orjson.loads(line)
    event["payload"]["data"]["position"] += by
    return orjson.dumps(event | {"payload": orjson.Fragment(canonical(event["payload"]))})
