"""`quartier up`: everything on this machine, from nothing to `ready`, until it is told to stop.

    up ── holds .quartier/up.lock and, without DATABASE_URL, the embedded PostgreSQL
    │     and, without KAFKA_BOOTSTRAP_SERVERS, a Kafka broker in memory
    ├─ quartier web      answers on 127.0.0.1
    └─ quartier worker   brings the read models up to date, seals the log, publishes to Kafka

Both children are started again when they die, and end when this process does, however it ends:
they hold a lock as well, so that the next start waits for them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
import structlog
from django.db import Error, connection, transaction

from infra.accounts import Role, account_of, accounts, create_account
from infra.broker.embedded_broker import EmbeddedBroker
from infra.conf import environment
from infra.database.connection import forget_connection
from infra.database.lease import leases
from infra.eventstore.store import log_size
from infra.exchange.importing import import_file
from infra.operations import session
from infra.operations.preflight import CannotStart, alone, demand_free, demand_secrets
from infra.processes import metrics
from infra.processes.supervisor import Child, Supervisor
from infra.web.alive import is_alive
from infra.web.server import PATIENCE_SECONDS
from projections.catalogue import PROJECTIONS
from projections.engine.positions import positions

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger(__name__)

HOST: Final = "127.0.0.1"
EXAMPLES: Final = tuple(
    environment.ROOT / "infra" / "exchange" / "examples" / name
    for name in ("paquis.ndjson", "vieux-moulin.ndjson")
)
READY_SECONDS: Final = 60.0
"""How long the service may take to say that it is ready."""

HUNG_SECONDS: Final = 30.0
"""A worker that renews none of its leases for so long is started again."""

SILENT_SECONDS: Final = PATIENCE_SECONDS + 10
"""How long the web service may say nothing: it first replaces a process of its own that hangs."""

LOOK_SECONDS: Final = 0.2


class _Stop(BaseException):
    """SIGINT or SIGTERM."""


def up(port: int) -> None:
    """Start everything, say where it is, and keep it running until SIGINT or SIGTERM.

    Raises:
        CannotStart: the port is taken, it runs already, a secret cannot be read, it does not
            become ready, or this is meant for production.
    """
    if environment.is_production():
        raise CannotStart(
            "`quartier up` is for trying out. In production run `quartier migrate`, "
            "`quartier web` and `quartier worker`.",
            used_wrongly=True,
        )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    demand_secrets()
    with contextlib.suppress(_Stop), alone() as (lock, after_kill):
        demand_free(HOST, port, after_kill=after_kill)
        with (
            session.opened(quiet=True) as server,
            _brokers() as brokers,
            _figures() as figures,
            Supervisor(_settings(brokers, figures), keep=(lock,)) as supervisor,
        ):
            # It has much to load: that goes on while the database is made ready.
            supervisor.add(
                Child(
                    "web",
                    _quartier("web", "--host", HOST, "--port", str(port)),
                    is_alive=partial(is_alive, port, ",".join(environment.allowed_hosts())),
                    patience=SILENT_SECONDS,
                )
            )
            session.migrate()
            supervisor.add(
                Child(
                    "worker",
                    _quartier("worker"),
                    is_alive=_is_worker_alive,
                    patience=HUNG_SECONDS,
                )
            )
            tokens = example_accounts(environment.HOME / "accounts.json")
            if import_examples():
                _print("Imported the examples: paquis, vieux-moulin.")
            _wait_until_ready(port, supervisor)
            connection.close()
            _say_where(port, brokers, tokens)
            _print("ready")
            while True:
                time.sleep(LOOK_SECONDS)
                if server is not None:
                    server.tend()
                supervisor.tend()


def _stop(number: int, _: object) -> None:
    # Once is enough: what follows must not be interrupted by an impatient second Ctrl-C.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    log.info("stopping", signal=signal.Signals(number).name)
    raise _Stop


def _print(line: str = "") -> None:
    """To standard output at once, whoever reads it; nobody may any more."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


# --- What there is to try out -------------------------------------------------------------------


def example_accounts(file: Path) -> dict[str, str | None]:
    """An account of each role, open, with its token; the tokens are kept in the file.

    Only accounts that are missing are made: one that somebody else opened keeps its token, which
    is None here.
    """
    try:
        kept: dict[str, str] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        kept = {}
    open_here = {account.name for account in accounts()}
    tokens: dict[str, str | None] = {}
    for role in Role:
        known = kept.get(role.value)
        if known and account_of(known):
            tokens[role.value] = known
        elif role.value in open_here:
            tokens[role.value] = None
        else:
            tokens[role.value] = kept[role.value] = create_account(role.value, role)
            _keep(file, kept)
    return tokens


def _keep(file: Path, tokens: dict[str, str]) -> None:
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(tokens, stream, indent=2)
    draft.replace(file)


def import_examples() -> bool:
    """Record both examples if the store is empty; whether it was."""
    if log_size():
        return False
    with transaction.atomic():  # both or none: a start that is cut short begins anew
        for file in EXAMPLES:
            with file.open("rb") as stream:
                report = import_file(stream, now=datetime.now(UTC))
            if report.faulty:
                raise CannotStart(f"{file.name} is not accepted: {report.faults[0]}")
    return True


# --- Running ------------------------------------------------------------------------------------


@contextlib.contextmanager
def _brokers() -> Iterator[str]:
    """The Kafka brokers that are named, or one in memory for the time of the block."""
    if named := os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip():
        yield named
        return
    with EmbeddedBroker(environment.BROKER_FILE) as broker:
        yield broker.bootstrap_servers


@contextlib.contextmanager
def _figures() -> Iterator[str]:
    """A folder where all processes put their figures together for `/metrics`."""
    with tempfile.TemporaryDirectory(prefix="quartier-metrics-") as folder:
        yield folder


def _settings(brokers: str, figures: str) -> dict[str, str]:
    """The children's environment: they use the servers that run, and start none."""
    return {
        **os.environ,
        "DATABASE_URL": environment.database_url(),
        "KAFKA_BOOTSTRAP_SERVERS": brokers,
        metrics.FOLDER: figures,
    }


def _quartier(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "infra.cli.program", *arguments)


def _wait_until_ready(port: int, supervisor: Supervisor) -> None:
    """Wait until the service answers and its read models say all that is recorded.

    They may take their time, after an upgrade above all: as long as a worker is at it.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not (is_ready(port) and _is_caught_up()):
        if _is_worker_alive() and is_ready(port):
            deadline = time.monotonic() + READY_SECONDS
        if time.monotonic() > deadline:
            raise CannotStart(
                f"The service did not become ready within {READY_SECONDS:.0f} seconds; "
                "what it logged says why."
            )
        time.sleep(LOOK_SECONDS / 2)
        supervisor.tend()


def _is_caught_up() -> bool:
    """Whether a worker keeps the read models up, and they have taken in all that they can."""
    held, end, known = leases().get("projections"), log_size(), positions()
    return (
        held is not None
        and held.alive
        and known.keys() >= PROJECTIONS.keys()
        and all(
            known[name].version == projection.version
            and (known[name].position >= end or known[name].stopped_at is not None)
            for name, projection in PROJECTIONS.items()
        )
    )


def _is_worker_alive() -> bool:
    """Whether any background work goes on; True where that cannot be asked."""
    try:
        return any(lease.alive for lease in leases().values())
    except (psycopg.Error, Error):
        forget_connection()
        return True


def is_ready(port: int) -> bool:
    """Whether the service on this machine says that it is ready."""
    web = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        web.request("GET", "/health/ready", headers={"Host": environment.allowed_hosts()[0]})
        return web.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        web.close()


def _say_where(port: int, brokers: str, tokens: dict[str, str | None]) -> None:
    address = f"http://{HOST}:{port}"
    _print(f"Quartier  {address}")
    _print(f"API       {address}/api/v1/contracts")
    _print(f"Docs      {address}/api/docs")
    _print(f"Kafka     {brokers}")
    _print(f"Data      {environment.HOME}")
    _print("Accounts (Authorization: Bearer …)")
    for name, token in tokens.items():
        unknown = f"(opened elsewhere: quartier token {name} gives it a new one)"
        _print(f"  {name:<23} {token or unknown}")
