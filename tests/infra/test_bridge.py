"""The application and the event loop: bodies, refusals, answers in memory, files and streams."""

import http.client
import threading
import time
from io import BytesIO

import pytest

from infra.web import request_body
from infra.web.request_body import BodyTimeout, TooManyBodies
from tests.infra.serving import Response, answer, connect, read_all, read_until, serving, until

ANNOUNCED = "Content-Length: 100000"


def echo(environ, start):
    """Read the body and answer with its size, and with how it was refused."""
    try:
        size = len(environ["wsgi.input"].read())
    except (BodyTimeout, TooManyBodies) as error:
        return answer(start, type(error).__name__.encode(), status="503 No")
    return answer(start, str(size).encode())


def refuse(environ, start):
    """Answer without reading."""
    return answer(start, b"no", status="401 Unauthorized")


def post(port, body, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request("POST", "/", body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_read_whole(size, chunked):
    body = b"x" * size
    with serving(echo) as port:
        sent = iter([body[: size // 2], body[size // 2 :]]) if chunked else body
        assert post(port, sent) == (200, str(size).encode())


def test_a_body_that_lags_behind_is_waited_for_by_no_thread(monkeypatch):
    calls = []

    def counted(environ, start):
        calls.append(threading.current_thread().name)
        return echo(environ, start)

    with serving(counted, threads=1) as port:
        late = connect(port, "POST / HTTP/1.1", "Content-Length: 4", "Connection: close")
        until(lambda: calls)
        assert post(port, b"now") == (200, b"3")
        late.sendall(b"late")
        assert read_all(late).endswith(b"4")
    assert len(calls) == 3, "the late one was called without its body, and again with it"


def test_a_refusal_waits_for_no_body():
    with serving(refuse, threads=1) as port:
        clients = [connect(port, "POST / HTTP/1.1", ANNOUNCED, body=b"x") for _ in range(20)]
        for client in clients:
            assert read_until(client, b"no").startswith(b"HTTP/1.1 401")


def test_a_refusal_is_read_by_a_client_that_is_still_sending():
    with serving(refuse) as port:
        status, content = post(port, b"x" * 5_000_000)
    assert (status, content) == (401, b"no")


def test_what_is_refused_is_not_received_for_ever(monkeypatch):
    monkeypatch.setattr(request_body, "DISCARD_SECONDS", 0.3)
    with serving(refuse) as port:
        client = connect(port, "POST / HTTP/1.1", ANNOUNCED, body=b"x")
        said = read_all(client)
    assert b"connection: close" in said
    assert said.endswith(b"no")


def test_a_body_that_trickles_in_has_a_deadline(monkeypatch):
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0.5)
    with serving(echo) as port:
        client = connect(port, "POST / HTTP/1.1", ANNOUNCED)

        def trickle():
            for _ in range(100):
                try:
                    client.sendall(b"x")
                except OSError:
                    return
                time.sleep(0.05)

        threading.Thread(target=trickle, daemon=True).start()
        assert read_until(client, b"BodyTimeout").startswith(b"HTTP/1.1 503")


def test_a_slow_body_has_the_time_that_its_size_needs(monkeypatch):
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0.5)
    monkeypatch.setattr(request_body, "BODY_RATE", 50_000)
    with serving(echo) as port:
        client = connect(port, "POST / HTTP/1.1", "Content-Length: 200000", "Connection: close")
        for _ in range(20):
            client.sendall(b"x" * 10_000)
            time.sleep(0.08)
        assert read_all(client).endswith(b"200000")


def test_bodies_are_kept_up_to_so_many_bytes(monkeypatch):
    monkeypatch.setattr(request_body.Budget.__init__, "__defaults__", (1_000_000,))
    with serving(echo) as port:
        held = connect(port, "POST / HTTP/1.1", "Content-Length: 900000", body=b"x" * 800_000)
        time.sleep(0.5)
        assert post(port, b"x" * 300_000) == (503, b"TooManyBodies")
        assert post(port, b"x") == (200, b"1")
        held.close()
        until(lambda: post(port, b"x" * 300_000) == (200, b"300000"))


def test_a_client_that_waits_to_be_told_to_send_is_told():
    with serving(echo) as port:
        client = connect(
            port,
            "POST / HTTP/1.1",
            "Content-Length: 5",
            "Expect: 100-continue",
            "Connection: close",
        )
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert read_all(client).endswith(b"5")


def test_a_client_that_waits_to_be_told_to_send_is_refused_instead():
    with serving(refuse) as port:
        client = connect(port, "POST / HTTP/1.1", ANNOUNCED, "Expect: 100-continue")
        assert read_all(client).startswith(b"HTTP/1.1 401")


def test_a_path_aside_is_answered_while_every_thread_is_taken():
    free = threading.Event()

    def busy(environ, start):
        if environ["PATH_INFO"] != "/live":
            free.wait(15)
        return answer(start, b"yes")

    with serving(busy, threads=2, aside=["/live"]) as port:
        clients = [connect(port, "GET / HTTP/1.1") for _ in range(5)]
        alive = connect(port, "GET /live HTTP/1.1", "Connection: close")
        assert read_all(alive).endswith(b"yes")
        free.set()
        for client in clients:
            read_until(client, b"yes")


def test_a_stream_ends_when_its_reader_is_gone():
    made = []

    def endless(environ, start):
        def chunks():
            while True:
                time.sleep(0.02)
                yield b"more"

        start("200 OK", [])
        made.append(Response(chunks(), streaming=True))
        return made[0]

    with serving(endless) as port:
        client = connect(port, "GET / HTTP/1.1")
        read_until(client, b"more\r\n")
        client.close()
        assert made[0].closed.wait(15)


def test_nothing_is_made_for_whoever_asks_for_the_headers():
    def must_not_be_read(environ, start):
        def chunks():
            raise AssertionError
            yield

        start("200 OK", [])
        return Response(chunks(), streaming=True)

    with serving(must_not_be_read) as port:
        client = connect(port, "HEAD / HTTP/1.1", "Connection: close")
        assert read_all(client).startswith(b"HTTP/1.1 200")


def test_a_file_is_sent_and_closed():
    file = BytesIO(b"x" * 200_000)

    def whole(environ, start):
        start("200 OK", [("Content-Length", "200000")])
        return environ["wsgi.file_wrapper"](file, 8192)

    with serving(whole) as port:
        assert read_all(connect(port, "GET / HTTP/1.1", "Connection: close")).count(b"x") == 200_000
    assert file.closed


def test_the_environment_is_that_of_pep_3333():
    found = {}

    def keep(environ, start):
        found.update(environ)
        return answer(start, b"")

    with serving(keep) as port:
        read_all(
            connect(
                port,
                "GET /caf%C3%A9%2F?q=%C3%A9 HTTP/1.1",
                "Accept: a",
                "Accept: b",
                "Cookie: a=1",
                "Cookie: b=2",
                "X_Forwarded_Proto: https",
                "Content-Type: text/plain",
                "Connection: close",
            )
        )
    assert found["PATH_INFO"].encode("latin-1").decode() == "/café/"
    assert found["QUERY_STRING"] == "q=%C3%A9"
    assert found["HTTP_ACCEPT"] == "a,b"
    assert found["HTTP_COOKIE"] == "a=1;b=2"
    assert found["CONTENT_TYPE"] == "text/plain"
    assert found["REMOTE_ADDR"] == "127.0.0.1"
    assert found["SERVER_PORT"] == str(port)
    assert "HTTP_X_FORWARDED_PROTO" not in found
