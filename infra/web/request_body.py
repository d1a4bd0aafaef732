"""A request's body, received in the event loop: as far as it is wanted, and before a deadline.

The deadline grows with what came, as that of Apache's mod_reqtimeout does: a slow connection may
send a large document, and a trickle ends after `BODY_SECONDS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import tempfile
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from asgiref.typing import ASGIReceiveCallable, HTTPScope

ALONG_SECONDS: Final = 0.2
ALONG_BYTES: Final = 64 * 1024
"""How much of a body is awaited before the application is asked whether it wants it."""

BODY_SECONDS: Final = 20.0
BODY_RATE: Final = 16 * 1024
"""A body may take so many seconds, and one more for every so many bytes of it that came."""

DISCARD_SECONDS: Final = 10.0
"""How long an unwanted body is still received: a client that is sending reads no answer before."""

LARGEST: Final = 32 * 1024 * 1024
"""Bytes of a body that are received at most. The application refuses smaller ones than that."""

IN_MEMORY: Final = 1024 * 1024
"""Bytes of one body that are kept in memory; what is larger is in a temporary file."""

IN_ALL: Final = 256 * 1024 * 1024
"""Bytes of all bodies that are kept in this process at the same moment."""


class NotReceived(BaseException):
    """The application reads what was not received yet. No error: it will be called again."""


class BodyTimeout(Exception):
    """The body of a request did not come in time."""


class TooManyBodies(Exception):
    """This process keeps as many bytes of bodies as it may."""


class Gone(Exception):
    """The connection was closed: by the client, or because it was too slow."""


class Budget:
    """Bytes of bodies that this process may still keep."""

    def __init__(self, left: int = IN_ALL) -> None:
        self.left = left


class RequestBody:
    """What came of one request's body.

    Attributes:
        complete: whether that is all of it.
        expected: whether the client waits to be told to send it (`Expect: 100-continue`).
    """

    def __init__(self, scope: HTTPScope, receive: ASGIReceiveCallable, budget: Budget) -> None:
        names = {name for name, value in scope["headers"] if value != b"0"}
        self.complete = not names & {b"content-length", b"transfer-encoding"}
        self.expected = b"expect" in names
        self._receive = receive
        self._budget = budget
        self._kept: IO[bytes] = io.BytesIO()
        self._size = 0
        self._dropped = False
        self._missing: BaseException = NotReceived()

    @property
    def file(self) -> IO[bytes] | io.RawIOBase:
        """`wsgi.input`. If it is not complete, to read it raises why not."""
        if (self.complete and not self._dropped) or self._size > LARGEST:
            self._kept.seek(0)
            return self._kept
        return _Missing(self._missing)

    async def receive_along(self) -> None:
        """Receive what comes with the headers; a client may wait to be told to send more.

        Raises:
            Gone: the connection was closed.
        """
        if not self.complete and not self.expected:
            loop = asyncio.get_running_loop()
            await self._receive_until(loop.time() + ALONG_SECONDS, ALONG_BYTES, float("inf"))

    async def receive_rest(self) -> None:
        """Receive what the application wants.

        Raises:
            Gone: the connection was closed.
        """
        file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._kept.seek(0)
        file.write(self._kept.read())
        self._kept = file
        self._missing = BodyTimeout()
        loop = asyncio.get_running_loop()
        await self._receive_until(loop.time() + BODY_SECONDS, LARGEST, BODY_RATE)

    async def discard_rest(self) -> None:
        """Receive what nobody wants, for a while.

        Raises:
            Gone: the connection was closed.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while not self.complete:
                    await self._next()

    def close(self) -> None:
        """Keep nothing of it."""
        self._budget.left += self._size
        self._kept.close()

    async def _receive_until(self, deadline: float, size: int, rate: float) -> None:
        with contextlib.suppress(TimeoutError):
            while not self.complete and self._size <= size:
                async with asyncio.timeout_at(deadline + self._size / rate):
                    chunk = await self._next()
                if len(chunk) > self._budget.left:
                    self._missing, self._dropped = TooManyBodies(), True
                    return
                self._budget.left -= len(chunk)
                self._size += len(chunk)
                self._kept.write(chunk)

    async def _next(self) -> Any:
        message: Any = await self._receive()
        if message["type"] == "http.disconnect":
            raise Gone
        self.complete = not message.get("more_body", False)
        return message.get("body", b"")


class _Missing(io.RawIOBase):
    """A body that is not there to be read."""

    def __init__(self, why: BaseException) -> None:
        self._why = why

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any, /) -> NoReturn:
        raise self._why
