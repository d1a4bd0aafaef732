"""The proxy's configuration in the real nginx: limits, streams, what the service is told."""

import contextlib
import datetime as dt
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.recording import documents
from infra.web import request_body
from tests.api.served import free_port, served
from tests.conftest import absent
from tests.infra.serving import until

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "infra" / "nginx" / "quartier.conf").read_text("utf-8")


class Echo(BaseHTTPRequestHandler):
    """A service that notes what it is asked, and waits where the path says so."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar = []
    free = threading.Event()

    def do_GET(self):
        self.asked.append(dict(self.headers))
        if self.path == "/wait":
            self.free.wait(30)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self):
        self.do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def echo():
    Echo.asked.clear()
    Echo.free.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        Echo.free.set()
        server.shutdown()


@pytest.fixture(scope="session")
def nginx():
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        absent("nginx", "it is not on the PATH")
    return found


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    """The files of a certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "certificate", folder / "key"


@contextlib.contextmanager
def proxied(nginx, tls, folder, service, **changes):
    """Nginx in front of the service, with these changes to its configuration; its port."""
    port = free_port()
    text = CONFIGURATION
    for ours, theirs in {
        "/tmp/": f"{folder}/",  # noqa: S108 - in the container it is
        "server web:8000;": f"server 127.0.0.1:{service};",
        "listen 8443 ": f"listen 127.0.0.1:{port} ",
        "listen 127.0.0.1:8081;": f"listen 127.0.0.1:{free_port()};",
        "/run/secrets/tls_certificate": str(tls[0]),
        "/run/secrets/tls_key": str(tls[1]),
        "/dev/stderr": f"{folder}/error.log",
        **changes,
    }.items():
        assert ours in text, ours
        text = text.replace(ours, theirs)
    (folder / "nginx.conf").write_text(text, "utf-8")
    user = "user root; " if os.geteuid() == 0 else ""
    process = subprocess.Popen(
        [nginx, "-p", folder, "-c", folder / "nginx.conf", "-g", f"{user}daemon off;"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: is_listening(port) or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()
        yield port
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def is_listening(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def context(*protocols):
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if protocols:
        made.set_alpn_protocols(protocols)
    return made


def ask(port, method="GET", path="/", body=None, headers=(), timeout=15):
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context())
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    answer.connection = connection
    return answer


def test_the_service_is_told_the_way_a_request_took_and_nothing_else(nginx, tls, echo, tmp_path):
    made_up = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "ftp",
        "X-Forwarded-Host": "elsewhere.example",
        "Forwarded": "for=192.0.2.1",
    }
    with proxied(nginx, tls, tmp_path, echo) as port:
        answer = ask(port, headers=made_up)
        assert (answer.status, answer.read()) == (200, b"ok")
        assert answer.headers["Strict-Transport-Security"]
    (told,) = Echo.asked
    assert told["X-Forwarded-Proto"] == "https"
    assert told["X-Forwarded-For"] == "127.0.0.1"
    assert told["X-Forwarded-Host"] == told["Host"] == f"127.0.0.1:{port}"
    assert "Forwarded" not in told


def test_it_speaks_http_2_and_http_1(nginx, tls, echo, tmp_path):
    with proxied(nginx, tls, tmp_path, echo) as port:
        for protocols, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")):
            with (
                socket.create_connection(("127.0.0.1", port), 15) as plain,
                context(*protocols).wrap_socket(plain) as client,
            ):
                assert client.selected_alpn_protocol() == chosen


def test_bodies_are_as_large_as_a_document_and_no_larger(nginx, tls, echo, tmp_path):
    most = 26 * 1024 * 1024
    assert documents.LARGEST < most < request_body.LARGEST
    with proxied(nginx, tls, tmp_path, echo) as port:
        answer = ask(port, "POST", headers={"Content-Length": str(most + 1)})
        assert answer.status == 413
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert Echo.asked == []


def test_the_service_never_sees_a_body_that_does_not_come(nginx, tls, echo, tmp_path):
    changes = {"client_body_timeout 10s": "client_body_timeout 500ms"}
    with proxied(nginx, tls, tmp_path, echo, **changes) as port, contextlib.ExitStack() as stack:
        for _ in range(40):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), 15))
            client = stack.enter_context(context().wrap_socket(plain))
            client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx")
        assert ask(port).status == 200
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(4096).partition(b"\r\n")[0] in {
                b"",
                b"HTTP/1.1 408 Request Time-out",
            }
    assert len(Echo.asked) == 1


def test_an_address_has_so_many_requests_under_way(nginx, tls, echo, tmp_path):
    changes = {"limit_conn address 64": "limit_conn address 5"}
    with proxied(nginx, tls, tmp_path, echo, **changes) as port:
        waiting = [threading.Thread(target=ask, args=(port, "GET", "/wait")) for _ in range(5)]
        for each in waiting:
            each.start()
        until(lambda: len(Echo.asked) == 5)
        answer = ask(port)
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Content-Type"] == "application/problem+json"
        Echo.free.set()
        for each in waiting:
            each.join()
        assert ask(port).status == 200


def test_a_service_that_is_not_there_is_unavailable(nginx, tls, tmp_path):
    with proxied(nginx, tls, tmp_path, free_port()) as port:
        answer = ask(port)
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_pages_and_event_streams_pass(database, nginx, tls, tmp_path):
    with (
        served(tmp_path, processes=1, TRUSTED_PROXIES="1") as service,
        proxied(nginx, tls, tmp_path, service.port) as port,
    ):
        assert ask(port, path="/api/v1/contracts").status == 200
        stream = ask(port, path="/api/v1/events", headers={"Accept": "text/event-stream"})
        assert stream.readline() == b"retry: 2000\n", "at once, not when a buffer is full"
        stream.connection.close()
