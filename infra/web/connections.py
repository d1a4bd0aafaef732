"""What a client may take of the server without asking for anything: little, and not for long.

uvicorn's HTTP/1.1 protocol, with what it leaves out: deadlines for the headers of a request and
for clients that do not read, a limit to the headers, and room for a new connection when idle ones
take all places. A connection that is being answered, and reads, has no deadline: a stream may last.
"""

from __future__ import annotations

import math
import resource
from typing import TYPE_CHECKING, ClassVar, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable

HEADER_SECONDS: Final = 10.0
"""From the connection, or the first byte of a further request, to the end of its headers."""

IDLE_SECONDS: Final = 60
"""From the end of an answer to the next request on its connection."""

WRITE_SECONDS: Final = 20.0
"""For a client to read what lies ready for it: 64 KB, and what the kernel holds."""

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of a request up to the end of its headers, as they are read from the socket."""

CONNECTIONS: Final = 4_000
"""Connections of a process, if it may open as many files. Beyond that, idle ones make room."""

TICKS_A_LOOK: Final = 10
"""Of uvicorn's ticks, ten a second, between two looks at the deadlines."""

OTHER_FILES: Final = 250
"""Files that a process needs beside its connections."""


def connections_here() -> int:
    """How many connections this process may have, after it has asked the system for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OTHER_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, wanted) - OTHER_FILES


class Connection(HttpToolsProtocol):
    """One client's connection."""

    most: ClassVar[int] = CONNECTIONS
    idle: ClassVar[dict[Connection, None]] = {}
    """Connections whose next request is not there yet, the one that waits longest first."""

    deadline = math.inf
    """In the loop's time."""

    _head = 0

    def close_if_overdue(self) -> None:
        """Interrupt it past its deadline, whatever is waiting for it."""
        if self.deadline < self.loop.time():
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for it, if there is none."""
        super().connection_made(transport)
        self._wait_for_request(HEADER_SECONDS)
        if len(self.connections) > self.most:
            waiting = next(iter(self.idle))
            del self.idle[waiting]
            waiting.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.idle.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Refuse headers that do not end."""
        if self in self.idle:
            if self._head > LARGEST_HEAD:
                self.send_400_response("The headers are too large.")
                return
            self._head += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The first byte of a request has come: so must its headers."""
        if self in self.idle:
            self.deadline = self.loop.time() + HEADER_SECONDS
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """From now on there is an answer to be made; what it waits for has its own deadlines."""
        self.idle.pop(self, None)
        self.deadline = math.inf
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, if that is not here already."""
        if not self.pipeline:
            self._wait_for_request(IDLE_SECONDS)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """What lies ready for the client must be read."""
        self.deadline = self.loop.time() + WRITE_SECONDS
        super().pause_writing()

    def resume_writing(self) -> None:
        """It was."""
        self.deadline = self.loop.time() + IDLE_SECONDS if self in self.idle else math.inf
        super().resume_writing()

    def _wait_for_request(self, seconds: float) -> None:
        self.idle[self] = None
        self._head = 0
        self.deadline = self.loop.time() + seconds


class Server(uvicorn.Server):
    """uvicorn's server: it looks at the deadlines, and can tell when it is about to end.

    Args:
        config: uvicorn's.
        on_stop: called before it waits for the answers under way.
    """

    def __init__(self, config: uvicorn.Config, *, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        Connection.most = connections_here()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % TICKS_A_LOOK == 0:
            for connection in list(self.server_state.connections):
                cast("Connection", connection).close_if_overdue()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: streams have no end of their own."""
        self._on_stop()
        await super().shutdown(sockets)
