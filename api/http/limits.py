"""Long and expensive answers are bounded in number, each kind by a limit of its own.

    DOCUMENTS = ConcurrencyLimit("documents", 8)

    class Document(Endpoint):
        @operation(...)
        @DOCUMENTS.until_sent          # the slot is free again when the answer was sent or given up
        def get(self, request: Request, sha256: str) -> HttpResponseBase: ...

    with DOCUMENTS.slot():             # the slot is held for the time of a block
        ...

Limits hold for one process. Beyond them the answer is 503 with `Retry-After`: waiting for a slot
would take a thread from everybody else.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from prometheus_client import Counter

from api.http.problems import UNAVAILABLE, Problem
from domain.kernel.values import Bilingual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http.response import HttpResponseBase

    Response = TypeVar("Response", bound=HttpResponseBase)
    Arguments = ParamSpec("Arguments")

RETRY_AFTER_SECONDS: Final = 5

REFUSED: Final = Counter(
    "quartier_answers_refused_total",
    "Long answers refused because as many of their kind were under way.",
    ("kind",),
)

BUSY: Final = Bilingual(
    "Trop de réponses de ce genre sont en cours. Revenez dans un moment.",
    "Too many answers of this kind are under way. Come again in a moment.",
)


class ConcurrencyLimit:
    """How many answers of one kind may be under way in this process at the same moment.

    Args:
        kind: its name in the metrics.
        total: how many.
        reserved: of these, how many are kept for readers with an account.
        busy: the sentence for those who are refused.
    """

    def __init__(self, kind: str, total: int, *, reserved: int = 0, busy: Bilingual = BUSY) -> None:
        self.kind = kind
        self.total = total
        self.reserved = reserved
        self.taken = 0
        self._busy = busy
        self._lock = threading.Lock()

    def acquire(self, *, known: bool = True) -> None:
        """Take a slot, to be given back by `release`.

        Args:
            known: whether the reader has an account.

        Raises:
            Problem: 503, there is none for this reader.
        """
        with self._lock:
            if self.taken < self.total - (0 if known else self.reserved):
                self.taken += 1
                return
        REFUSED.labels(self.kind).inc()
        raise Problem(UNAVAILABLE, self._busy, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})

    def release(self) -> None:
        """Give a slot back."""
        with self._lock:
            self.taken -= 1

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot for the time of a block.

        Raises:
            Problem: 503, there is none.
        """
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def until_sent(self, view: Callable[Arguments, Response]) -> Callable[Arguments, Response]:
        """Hold a slot from the call of a view until the server closes its response."""

        @functools.wraps(view)
        def limited(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
            self.acquire()
            try:
                response = view(*args, **kwargs)
            except BaseException:
                self.release()
                raise
            # As Django closes a response's file: once, whatever becomes of the connection.
            response._resource_closers.append(self.release)  # type: ignore[attr-defined] # noqa: SLF001
            return response

        return limited
