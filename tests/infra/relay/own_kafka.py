"""An Apache Kafka of a test's own, to be stopped, killed and cut off; and what cuts it off.

It has two listeners: clients that come by the second one are told the address of a proxy, so that
everything they send and are answered passes through it. A third one, where it is asked for, is over
TLS and for those who know a password.
"""

import datetime as dt
import ipaddress
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

from confluent_kafka.admin import AdminClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.broker.kafka_client import Cluster
from tests.conftest import absent

KAFKA = Path(__file__).parents[3] / "infra" / "kafka"
JARS = KAFKA / "target" / "jars"
END_TXN = 26
"""The key of the request that ends a transaction (Kafka protocol, EndTxn)."""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class User(NamedTuple):
    """Somebody whom the listener over TLS lets in, by SCRAM-SHA-512."""

    name: str
    password: str


class OwnKafka:
    """One broker in KRaft mode; its data outlive a kill.

    Args:
        folder: for its data and all else.
        users: open the listener over TLS too; clients trust `authority`, a PEM file. Users may do
            what is allowed to them, and whoever comes by another listener may do everything.
    """

    def __init__(self, folder, users=()):
        if shutil.which("java") is None:
            absent("Java", "java is not on the PATH")
        if not JARS.is_dir():
            absent("Apache Kafka", "its jars are resolved by infra/kafka/start")
        self._folder = folder
        self._process = None
        self.port, proxied, controller, behind, self.secure_port = free_ports(5)
        self.proxy = Proxy(proxied, behind)
        address = "127.0.0.1"
        overrides = {
            "listener.security.protocol.map": ",".join(
                f"{name}:PLAINTEXT" for name in ("CONTROLLER", "PLAINTEXT", "PROXIED")
            ),
            "listeners": f"PLAINTEXT://{address}:{self.port},PROXIED://{address}:{behind}"
            f",CONTROLLER://{address}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{address}:{self.port}"
            f",PROXIED://{address}:{proxied}",
            "controller.quorum.bootstrap.servers": f"{address}:{controller}",
            "log.dirs": folder / "logs",
        }
        if users:
            self.authority = folder / "authority.pem"
            overrides = self._secure(overrides, address)
        properties = (KAFKA / "server.properties").read_text() + "".join(
            f"\n{name}={value}" for name, value in overrides.items()
        )
        self._properties = folder / "server.properties"
        self._properties.write_text(properties)
        identity = self._java("kafka.tools.StorageTool", "random-uuid").stdout.strip()
        self._java(
            "kafka.tools.StorageTool",
            *("format", "--standalone", "--cluster-id", identity),
            *("--config", str(self._properties)),
            *(f"--add-scram=SCRAM-SHA-512=[name={name},password={word}]" for name, word in users),
        )
        self.start()

    def _secure(self, overrides, address):
        """The same settings with the listener SECURE."""
        chain = self._folder / "broker.pem"
        certify(self.authority, chain, address)
        listener = "listener.name.secure"
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        added = {
            "listener.security.protocol.map": ",SECURE:SASL_SSL",
            "listeners": f",SECURE://{address}:{self.secure_port}",
            "advertised.listeners": f",SECURE://{address}:{self.secure_port}",
        }
        return {name: f"{value}{added.get(name, '')}" for name, value in overrides.items()} | {
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": chain,
            f"{listener}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            f"{listener}.scram-sha-512.sasl.jaas.config": login,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    @property
    def command(self):
        logging = f"-Dlog4j2.configurationFile={KAFKA / 'log4j2.properties'}"
        return ["java", "-Xmx384m", "-XX:+UseSerialGC", logging, "-cp", f"{JARS}/*"]

    def _java(self, *arguments):
        return subprocess.run(
            [*self.command, *arguments], check=True, capture_output=True, text=True
        )

    def cluster(self, prefix, *, proxied=False):
        port = self.proxy.port if proxied else self.port
        return Cluster({"bootstrap.servers": f"127.0.0.1:{port}"}, prefix)

    def start(self):
        """Start it and wait until it answers."""
        with (self._folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(
                # It ends with us, however we end.
                ["setpriv", "--pdeathsig", "KILL", *self.command, "kafka.Kafka", self._properties],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while True:
            address = f"127.0.0.1:{self.port}"
            admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
            try:
                admin.list_topics(timeout=2)
            except Exception:
                assert self._process.poll() is None, "Kafka did not start"
                assert time.monotonic() < deadline, "Kafka did not start in time"
            else:
                return

    def kill(self):
        """As a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self):
        """As an administrator would."""
        self._end(signal.SIGTERM)

    def _end(self, number):
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None

    def close(self):
        self.kill()
        self.proxy.close()


def certify(authority, chain, address):
    """Write an authority's certificate, and a server's key and certificate for an address."""
    now = dt.datetime.now(dt.UTC)
    ours, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        for name in ("Test authority", "Test broker")
    ]

    def certificate(name, key, extension):
        builder = x509.CertificateBuilder(
            issuer_name=names[0],
            subject_name=name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - dt.timedelta(hours=1),
            not_valid_after=now + dt.timedelta(days=1),
        )
        made = builder.add_extension(extension, critical=True).sign(ours, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    root = certificate(names[0], ours, x509.BasicConstraints(ca=True, path_length=None))
    place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    key = theirs.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    authority.write_bytes(root)
    chain.write_bytes(key + certificate(names[1], theirs, place) + root)


class Proxy:
    """Passes everything on, but the answers to the requests it is told to swallow.

    A swallowed answer leaves the request without one for ever, as a network that fails at the
    worst moment does.
    """

    def __init__(self, port, behind):
        self.port = port
        self.behind = behind
        self.swallowed = 0
        self.requests = 0
        self._to_swallow = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self, count):
        """Let no answer to the next so many EndTxn requests through."""
        with self._lock:
            self._to_swallow = count

    def close(self):
        self._open = False
        self._listener.close()

    def _accept(self):
        while self._open:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.behind))
            except OSError:
                continue
            withheld = set()
            for source, target, look in (
                (client, server, self._request),
                (server, client, self._answer),
            ):
                threading.Thread(
                    target=self._pass_on, args=[source, target, look, withheld], daemon=True
                ).start()

    def _request(self, frame, withheld):
        """A request passes; the answer to it may not. Header: key, version, correlation."""
        key, _, correlation = struct.unpack(">hhi", frame[:8])
        if key == END_TXN:
            self.requests += 1
            with self._lock:
                if self._to_swallow:
                    self._to_swallow -= 1
                    withheld.add(correlation)
        return True

    def _answer(self, frame, withheld):
        (correlation,) = struct.unpack(">i", frame[:4])
        if correlation in withheld:
            self.swallowed += 1
            return False
        return True

    def _pass_on(self, source, target, look, withheld):
        try:
            while (size := _exactly(source, 4)) is not None:
                frame = _exactly(source, struct.unpack(">i", size)[0])
                if frame is None:
                    break
                if look(frame, withheld):
                    target.sendall(size + frame)
        except OSError:
            pass
        finally:
            for each in (source, target):
                each.close()


def _exactly(source, count):
    parts = bytearray()
    while len(parts) < count:
        part = source.recv(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)
