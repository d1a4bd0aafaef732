"""Writing many rows at once: COPY, on a connection of its own, while the next are being made."""

from __future__ import annotations

import queue
import threading
from types import TracebackType
from typing import Self

from django.db import connection

from projections.engine.sql import cursor
from projections.engine.table import COPIED

PIECE = 1 << 18
"""Bytes gathered for one table before they are sent."""

WAITING = 8
"""Pieces that may wait to be sent; whoever makes them then waits too, so memory stays flat."""


class Copier:
    """Takes lines in the text format of COPY, and sends them piece by piece.

    What is sent is committed piece by piece; it is of a generation that nobody reads yet.

        with Copier() as copier:
            copier.lines("calendar_day_rows (generation, contract, …)", b"…")
    """

    def __init__(self) -> None:
        self._gathered: dict[str, list[bytes]] = {}
        self._sizes: dict[str, int] = {}
        self._pieces: queue.Queue[tuple[str, list[bytes]] | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._send, name="copier", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            for target, lines in self._gathered.items():
                self._pieces.put((target, lines))
        self._pieces.put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def lines(self, target: str, lines: bytes) -> None:
        """Take in lines, each with its line end.

        Raises:
            psycopg.Error: an earlier piece was refused.
        """
        gathered = self._gathered.get(target)
        if gathered is None:
            gathered = self._gathered[target] = []
            self._sizes[target] = 0
        gathered.append(lines)
        self._sizes[target] += len(lines)
        if self._sizes[target] >= PIECE:
            if self._error is not None:
                raise self._error
            del self._gathered[target]
            self._pieces.put((target, gathered))

    def _send(self) -> None:
        try:
            cursor().execute("SET synchronous_commit = off")
            while (piece := self._pieces.get()) is not None:
                target, lines = piece
                if self._error is None:
                    self._copy(target, b"".join(lines))
        except BaseException as error:  # noqa: BLE001 - raised again where the lines come from
            self._error = error
            while self._pieces.get() is not None:
                pass
        finally:
            connection.close()

    def _copy(self, target: str, lines: bytes) -> None:
        with cursor().copy(f"COPY {target} FROM STDIN {COPIED}") as copy:
            copy.write(lines)
