"""Django's WSGI application behind an event loop: no thread ever waits for a client's bytes.

The loop receives bodies and sends answers, under deadlines. A thread is taken only when there is
something to do:

1. The application is called as soon as the headers are there, with what came along of the body.
   Most bodies are complete by then; and what is refused whatever its body says - no token, too
   large, no such address - is refused without waiting for it.
2. An application that reads what was not received yet is stopped (`NotReceived`). The loop
   receives the rest and calls it again: nothing is recorded before the body was read.
3. The loop sends what is in memory, and files. Only an answer that is made while it is sent keeps
   its thread until then; `api/http/limits.py` bounds how many of those there are.

a2wsgi joins the two for any application, but reads and writes in the application's thread.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from infra.web.request_body import Budget, Gone, NotReceived, RequestBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

CHUNK: Final = 64 * 1024
"""Bytes sent at once: more follow when these have left, for which there is a deadline."""


class Bridge:
    """The ASGI application.

    Args:
        application: Django's.
        threads: how many may call it at the same moment.
        aside: paths that are answered in a thread of their own, also when all others are taken.
    """

    def __init__(
        self, application: Callable[..., Any], *, threads: int, aside: Iterable[str] = ()
    ) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, "request")
        self._aside = dict.fromkeys(aside, ThreadPoolExecutor(1, "aside"))
        self._budget = Budget()

    async def __call__(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Answer one request."""
        loop = asyncio.get_running_loop()
        threads = self._aside.get(scope["path"], self._threads)
        body = RequestBody(scope, receive, self._budget)
        answer = Answer(scope, receive, send, body)
        try:
            await body.receive_along()
            if not await loop.run_in_executor(threads, answer.make, self._application, loop):
                await body.receive_rest()
                await loop.run_in_executor(threads, answer.make, self._application, loop)
            await answer.finish(loop)
        except Gone:
            pass
        finally:
            body.close()


class File:
    """`wsgi.file_wrapper`: the loop sends it, so that its reader holds no thread."""

    def __init__(self, file: IO[bytes], _block_size: int = CHUNK) -> None:
        self.read = file.read
        self.close = file.close


class Answer:
    """One answer: made in a thread, sent by the loop."""

    def __init__(
        self,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        body: RequestBody,
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = body
        self._content: bytes | File | None = None
        self._start: Any = None

    # --- In a thread ----------------------------------------------------------------------------

    def make(self, application: Callable[..., Any], loop: asyncio.AbstractEventLoop) -> bool:
        """Call the application; whether it answered, without a body that is not there yet."""
        try:
            result = application(environ(self._scope, self._body.file), self._start_response)
        except NotReceived:
            return False
        if isinstance(result, File) and self._scope["method"] != "HEAD":
            self._content = result  # closed when it is sent
            return True
        try:
            if self._scope["method"] == "HEAD":
                self._content = b""
            elif result.streaming:
                self._stream(result, loop)
            else:
                self._content = b"".join(result)
        finally:
            result.close()
        return True

    def _start_response(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        if not self._body.complete:
            fields.append((b"connection", b"close"))
        self._start = {
            "type": "http.response.start",
            "status": int(status[:3]),
            "headers": fields,
        }

    def _stream(self, chunks: Iterable[bytes], loop: asyncio.AbstractEventLoop) -> None:
        """Send what is made meanwhile; wait for each piece, and end when the reader is gone."""

        def wait_for(call: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(call, loop).result()

        gone = wait_for(self._begin_stream(loop))
        try:
            for chunk in chunks:
                for piece in _cut(chunk):
                    wait_for(self._send_piece(piece, gone))
        finally:
            loop.call_soon_threadsafe(gone.cancel)
        wait_for(self._send(_body(b"", more=False)))

    # --- In the loop ----------------------------------------------------------------------------

    async def _begin_stream(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        await self._send(self._start)
        return loop.create_task(self._until_gone())

    async def finish(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send what was not sent while it was made.

        Raises:
            Gone: the connection was closed.
        """
        if self._content is None:
            return
        await self._send(self._start)
        if isinstance(self._content, bytes) and len(self._content) <= CHUNK:
            await self._end(self._content)
            return
        gone = loop.create_task(self._until_gone())
        try:
            async for piece in self._pieces(loop):
                await self._send_piece(piece, gone)
        finally:
            gone.cancel()
            if isinstance(self._content, File):
                self._content.close()
        await self._end(b"")

    async def _end(self, last: bytes) -> None:
        """Send the last piece. A client that is still sending reads it when it has done so."""
        if not self._body.complete and not self._body.expected:
            await self._send(_body(last, more=True))
            await self._body.discard_rest()
            last = b""
        await self._send(_body(last, more=False))

    async def _pieces(self, loop: asyncio.AbstractEventLoop) -> AsyncIterator[bytes]:
        if isinstance(self._content, File):
            while piece := await loop.run_in_executor(None, self._content.read, CHUNK):
                yield piece
        else:
            for piece in _cut(self._content or b""):
                yield piece

    async def _send_piece(self, piece: bytes, gone: asyncio.Task[None]) -> None:
        await self._send(_body(piece, more=True))
        if gone.done():
            raise Gone

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _body(piece: bytes, *, more: bool) -> Any:
    return {"type": "http.response.body", "body": piece, "more_body": more}


def _cut(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


def environ(scope: HTTPScope, body: Any) -> dict[str, Any]:
    """A request as PEP 3333 describes it."""
    server, client = scope["server"] or ("localhost", None), scope["client"] or ("", None)
    found = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": File,
    }
    for name, value in scope["headers"]:
        if b"_" in name:  # could pass for another one with a hyphen
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        said = value.decode("latin-1")
        if key in found:
            said = f"{found[key]}{';' if key == 'HTTP_COOKIE' else ','}{said}"
        found[key] = said
    return found
