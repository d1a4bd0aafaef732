"""`quartier web` as it runs: whatever a stranger does to it, others are answered."""

import contextlib
import hashlib
import http.client
import os
import re
import resource
import signal
import struct
import threading
import time
from pathlib import Path

import pytest

from infra.accounts import Role, create_account
from tests.api.served import served
from tests.infra.serving import connect, until

CLIENTS = 40
IDLE = 1_100
PATIENCE = 5
"""Seconds in which others must be answered: without end is what it was."""


@pytest.fixture
def service(database, tmp_path):
    with served(tmp_path, processes=1) as service:
        yield service


@pytest.fixture
def clients():
    """Sockets that are closed at last."""
    with contextlib.ExitStack() as stack:
        yield lambda client: stack.enter_context(contextlib.closing(client))


def others_are_answered(service):
    for path in ("/health/live", "/api/v1/contracts", "/health/live"):
        answer = service.ask(path, timeout=PATIENCE)
        assert answer.status == 200
        answer.read()


# --- Attacks: each takes what it can, and keeps it ----------------------------------------------


def bodies_that_do_not_come(path, *headers):
    def attack(service, keep):
        for _ in range(CLIENTS):
            lines = (f"POST {path} HTTP/1.1", "Content-Length: 100000", *headers)
            keep(connect(service.port, *lines, "Content-Type: application/json", body=b"{"))

    return attack


def with_a_token(path):
    def attack(service, keep):
        token = create_account("slow", Role.COORDINATOR)
        bodies_that_do_not_come(path, f"Authorization: Bearer {token}")(service, keep)

    return attack


def http_2_without_bodies(service, keep):
    """Case 27: a preface, settings, and requests with `content-length: 5` that do not end."""

    def frame(kind, flags, stream, payload=b""):
        return (
            struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload
        )

    # HPACK: POST, http, :path /, :authority x, content-length 5.
    headers = b"\x83\x86\x84\x41\x01x\x0f\x0d\x015"
    requests = b"".join(frame(1, 4, number, headers) for number in range(1, 33, 2))
    for _ in range(2):
        client = keep(connect(service.port))
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + requests)


def readers_who_do_not_read(path):
    def attack(service, keep):
        for _ in range(CLIENTS):
            keep(connect(service.port, f"GET {path} HTTP/1.1", receive=4096))

    return attack


def readers_of_a_document(service, keep):
    content = b"x" * 20_000_000
    token = create_account("clerk", Role.COORDINATOR)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    connection.request("POST", "/api/v1/documents?title=PV", content, headers)
    assert connection.getresponse().status == 201
    connection.close()
    readers_who_do_not_read(f"/api/v1/documents/{hashlib.sha256(content).hexdigest()}")(
        service, keep
    )


def idle_connections(service, keep):
    for _ in range(IDLE):
        keep(connect(service.port))


def headers_that_trickle_in(service, keep):
    trickling = [keep(connect(service.port)) for _ in range(CLIENTS)]

    def trickle():
        with contextlib.suppress(OSError):
            for byte in b"GET / HTTP/1.1\r\nX: " + b"x" * 1000:
                for client in trickling:
                    client.send(bytes([byte]))
                time.sleep(0.1)

    threading.Thread(target=trickle, daemon=True).start()


SCRIPT = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"

EACH_KIND = {
    "HTTP/2": http_2_without_bodies,
    "bodies": bodies_that_do_not_come("/api/v1/persons"),
    "bodies with a token": with_a_token("/api/v1/persons"),
    "readers": readers_of_a_document,
    "idle": idle_connections,
    "headers": headers_that_trickle_in,
}
MORE = {
    "bodies for no address": bodies_that_do_not_come("/nowhere"),
    "bodies for health": bodies_that_do_not_come("/health/live"),
    "bodies for a document": bodies_that_do_not_come("/api/v1/documents"),
    "bodies with a wrong token": bodies_that_do_not_come(
        "/api/v1/contracts", f"Authorization: Bearer {'x' * 43}"
    ),
    "bodies in chunks": bodies_that_do_not_come("/api/v1/persons", "Transfer-Encoding: chunked"),
    "bodies told to come": bodies_that_do_not_come("/api/v1/persons", "Expect: 100-continue"),
    "a document with a token": with_a_token("/api/v1/documents?title=PV"),
    "readers of a script": readers_who_do_not_read(SCRIPT),
    "readers of the schema": readers_who_do_not_read("/api/schema"),
    "readers of contracts": readers_who_do_not_read("/api/v1/contracts"),
}


@pytest.fixture
def files():
    """As many files as a thousand sockets need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4_096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("attack", EACH_KIND.values(), ids=EACH_KIND)
def test_others_are_answered_during(attack, service, clients, files):
    attack(service, clients)
    others_are_answered(service)


@pytest.mark.acceptance
@pytest.mark.parametrize("attack", MORE.values(), ids=MORE)
def test_others_are_answered_also_during(attack, service, clients, files):
    attack(service, clients)
    others_are_answered(service)


@pytest.mark.acceptance
def test_others_are_answered_while_everything_happens_at_once(service, clients, files):
    for attack in (*EACH_KIND.values(), *MORE.values()):
        with contextlib.suppress(ConnectionError, AssertionError):
            attack(service, clients)
        others_are_answered(service)


# --- Processes that hang ------------------------------------------------------------------------


def processes(service):
    """Those that answer, below `quartier web`."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    return [int(pid) for pid in children.read_text("ascii").split()]


def test_a_process_that_hangs_is_replaced(database, tmp_path):
    with served(tmp_path, "--patience", "2", processes=1) as service:
        (hung,) = processes(service)
        os.kill(hung, signal.SIGSTOP)
        # Longer than one may take to start: it may not have been asked yet.
        until(lambda: hung not in processes(service), 90)
        until(lambda: is_answered(service), 30)
        assert "child_hung" in service.log.read_text("utf-8")


def is_answered(service):
    with contextlib.suppress(OSError):
        return service.ask("/health/live", timeout=2).status == 200
    return False


def test_the_others_go_on_while_one_process_hangs(database, tmp_path):
    with served(tmp_path, processes=2) as service:
        os.kill(processes(service)[0], signal.SIGSTOP)
        # A few may have been taken by the one that hangs.
        until(lambda: is_answered(service), 30)
        until(lambda: is_answered(service), 30)


def test_processes_end_with_the_one_that_started_them(service):
    (pid,) = processes(service)
    service.process.kill()
    service.process.wait()
    until(lambda: not Path(f"/proc/{pid}").exists(), 10)


def test_it_stops_while_nobody_reads_and_bodies_do_not_come(service, clients):
    readers_of_a_document(service, clients)
    with_a_token("/api/v1/persons")(service, clients)
    assert service.stop() < 5


def test_metrics_are_those_of_all_processes(database, tmp_path):
    with served(tmp_path, processes=2) as service:
        for _ in range(40):
            service.ask("/nowhere").read()
        figures = service.ask("/metrics").read().decode()
    counted = re.findall(
        r'http_requests_total{method="GET",route="none",status="404"} (\d+)', figures
    )
    assert counted == ["40"]
