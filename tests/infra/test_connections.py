"""Clients that send nothing, too slowly or too much, and those that do not read, are cut off."""

import contextlib
import socket
import threading
import time

import pytest

from infra.web import connections
from infra.web.connections import Connection
from tests.infra.serving import Response, answer, connect, read_all, read_until, serving, until

LARGE = 20 * 1024 * 1024
"""More bytes than the kernel's buffers take."""


@pytest.fixture(autouse=True)
def deadlines(monkeypatch):
    """Short ones: a test only sees that they are kept."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(connections, "WRITE_SECONDS", 0.5)
    monkeypatch.setattr(connections, "TICKS_A_LOOK", 1)
    yield
    assert not Connection.idle


@pytest.fixture
def port():
    with serving(lambda environ, start: answer(start, b"yes")) as port:
        yield port


def test_a_connection_that_asks_nothing_is_closed(port):
    assert read_all(connect(port)) == b""


def test_a_connection_that_asks_nothing_more_is_closed(port):
    said = read_all(connect(port, "GET / HTTP/1.1"))
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert said.endswith(b"yes")


@pytest.mark.parametrize("before", [[], ["GET / HTTP/1.1"]], ids=["first", "second"])
def test_headers_that_trickle_in_are_not_waited_for(port, before):
    client = connect(port, *before)
    if before:
        read_until(client, b"yes")
    with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012 - in the end
        client.sendall(b"GET / HTTP/1.1\r\nX: ")
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            client.sendall(b"x")
            time.sleep(0.05)
        pytest.fail("It may trickle for ever.")


def test_headers_without_end_are_refused(port, monkeypatch):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 60)
    client = connect(port)
    with contextlib.suppress(ConnectionError):
        client.sendall(b"GET / HTTP/1.1\r\n")
        for number in range(300):
            client.sendall(b"X-%d: %s\r\n" % (number, b"x" * 4000))
    said = read_all(client)  # without a limit, its time would be over first
    assert not said or said.startswith(b"HTTP/1.1 400 ")


def test_http_2_is_refused_at_once(port):
    client = connect(port)
    client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
    assert read_all(client).startswith(b"HTTP/1.1 400")


def test_a_new_connection_takes_the_place_of_the_one_that_waits_longest(port, monkeypatch):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 60)
    monkeypatch.setattr(Connection, "most", 5)
    idle = [connect(port) for _ in range(12)]
    for _ in range(3):
        asking = connect(port, "GET / HTTP/1.1", "Connection: close")
        assert read_all(asking).endswith(b"yes")
    assert [read_all(client) for client in idle[:7]] == [b""] * 7
    idle[-1].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert read_all(idle[-1]).endswith(b"yes")


class Pieces:
    """An answer that is made while it is sent."""

    def __iter__(self):
        return (b"x" * 65536 for _ in range(LARGE // 65536))


@pytest.mark.parametrize("closing", [[], ["Connection: close"]], ids=["kept", "to be closed"])
@pytest.mark.parametrize("kind", ["in memory", "streamed", "file"])
def test_a_client_that_does_not_read_is_cut_off(kind, closing, tmp_path):
    made = []

    def large(environ, start):
        start("200 OK", [("Content-Length", str(LARGE))])
        if kind == "file":
            (tmp_path / "large").write_bytes(b"x" * LARGE)
            file = (tmp_path / "large").open("rb")
            made.append(file)
            return environ["wsgi.file_wrapper"](file)
        made.append(Response(Pieces(), streaming=kind == "streamed"))
        return made[0]

    def is_closed():
        return made[0].closed is True or (kind != "file" and made[0].closed.is_set())

    with serving(large, threads=1) as port:
        client = connect(port, "GET / HTTP/1.1", *closing, receive=4096)
        until(lambda: made and is_closed())
        time.sleep(1.5)
        assert len(read_all(client)) < LARGE


def test_a_client_that_reads_slowly_but_steadily_gets_everything():
    def large(environ, start):
        start("200 OK", [("Content-Length", str(LARGE))])
        return Response([b"x" * LARGE])

    with serving(large) as port:
        client = connect(port, "GET / HTTP/1.1", "Connection: close")
        read = 0
        while chunk := client.recv(1024 * 1024):
            read += len(chunk)
            time.sleep(0.03)
        client.close()
    assert read > LARGE


def test_a_stream_on_which_little_is_said_may_last():
    said = threading.Event()

    def slow(environ, start):
        def chunks():
            yield b"first"
            said.wait(2)
            yield b"last"

        start("200 OK", [])
        return Response(chunks(), streaming=True)

    with serving(slow) as port:
        assert b"last" in read_all(connect(port, "GET / HTTP/1.1", "Connection: close"))


def test_requests_that_are_sent_at_once_are_answered_in_order():
    def echo(environ, start):
        return answer(start, environ["PATH_INFO"].encode())

    with serving(echo) as port, socket.create_connection(("127.0.0.1", port), 15) as client:
        client.sendall(
            b"".join(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % n for n in range(5))
        )
        said = read_all(client)
    found = [said.index(b"\r\n\r\n/%d" % number) for number in range(5)]
    assert found == sorted(found)
