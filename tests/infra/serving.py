"""The server in a thread of the test's, with an application of the test's, and raw clients."""

import contextlib
import socket
import threading
import time

import uvicorn

from infra.web.bridge import Bridge
from infra.web.connections import Connection, Server


class Response:
    """What Django's handler returns, in short."""

    def __init__(self, chunks, *, streaming=False):
        self.chunks = chunks
        self.streaming = streaming
        self.closed = threading.Event()

    def __iter__(self):
        return iter(self.chunks)

    def close(self):
        self.closed.set()


def answer(start, *chunks, status="200 OK"):
    """An answer that is in memory."""
    start(status, [("Content-Length", str(sum(map(len, chunks))))])
    return Response(chunks)


@contextlib.contextmanager
def serving(application, *, threads=2, aside=(), **config):
    """The port at which the application is served."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        server = Server(
            uvicorn.Config(
                Bridge(application, threads=threads, aside=aside),
                **{
                    "http": Connection,
                    "ws": "none",
                    "lifespan": "off",
                    "interface": "asgi3",
                    "log_config": None,
                    "access_log": False,
                    "proxy_headers": False,
                    "server_header": False,
                    "timeout_graceful_shutdown": 1,
                    **config,
                },
            ),
            on_stop=lambda: None,
        )
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            until(lambda: server.started)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def until(holds, seconds=15):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def connect(port, *lines, body=b"", timeout=15, receive=None):
    """A connection on which these lines were sent, and a blank one if there are any."""
    client = socket.socket()
    if receive is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.settimeout(timeout)
    client.connect(("127.0.0.1", port))
    if lines:
        head = "\r\n".join((*lines, "Host: localhost", "", "")).encode()
        client.sendall(head + body)
    return client


def read_all(client):
    """Everything until the server closes the connection."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(65536):
            found += chunk
    client.close()
    return found


def read_until(client, end):
    """What comes up to these bytes."""
    found = b""
    while not found.endswith(end):
        chunk = client.recv(65536)
        assert chunk, found
        found += chunk
    return found
