"""What tests lean on: a database of their own each, a broker, a browser.

`database` gives a test a clone of a migrated template, with Django's default connection and
DATABASE_URL pointed at it. Cloning is fast, and nothing is ever flushed: the triggers that guard
the events refuse it.

What is not to be had on this machine is skipped with the reason; with QUARTIER_REQUIRE_ALL=1 such
a skip is a failure.
"""

import contextlib
import fcntl
import itertools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urlencode

import hypothesis
import psycopg
import pytest
from psycopg import conninfo, sql

from infra.conf import environment
from infra.embedded import embedded_place, embedded_postgres

ABSENT = "not to be had here: "
SESSION = "QUARTIER_TEST_SESSION"
BROKERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")

hypothesis.settings.register_profile(
    "quartier",
    deadline=None,  # two cores shared by two workers say nothing about one example's time
    print_blob=True,
)
hypothesis.settings.load_profile("quartier")


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server: the address of its first database, and a connection to it."""

    url: str
    admin: psycopg.Connection

    def address(self, database: str) -> str:
        return conninfo.make_conninfo(self.url, dbname=database)

    def execute(self, statement: str, **names: str) -> None:
        """Run a statement whose `{names}` are identifiers."""
        identifiers = {key: sql.Identifier(name) for key, name in names.items()}
        self.admin.execute(sql.SQL(statement).format(**identifiers))


@dataclass(frozen=True)
class Database:
    """A test's own database: `url` for programs and other connections."""

    name: str
    url: str


def absent(what: str, why: str) -> NoReturn:
    """Skip a test for want of something that a complete machine has."""
    pytest.skip(f"{ABSENT}{what} ({why})")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where everything is required, a skip for want of something fails."""
    report = yield
    if report.skipped and os.environ.get("QUARTIER_REQUIRE_ALL") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if ABSENT in reason:
            report.outcome = "failed"
            report.longrepr = f"QUARTIER_REQUIRE_ALL=1, but {reason.removeprefix('Skipped: ')}"
    return report


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # workers are told by the environment
        os.environ[SESSION] = f"{os.getpid()}_{secrets.token_hex(3)}"


def pytest_unconfigure(config):
    """Stop what a killed worker left running, and leave no files and no template."""
    if hasattr(config, "workerinput") or not _session_folder().exists():
        return
    if url := os.environ.get("DATABASE_URL"):
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(url, autocommit=True, connect_timeout=5) as admin,
        ):
            Server(url, admin).execute("DROP DATABASE IF EXISTS {name}", name=_template_name())
    place = embedded_place.find_place(_session_folder())
    if place.server_pid() is not None:
        embedded_postgres.start(_session_folder()).stop()
    for folder in {place.home, place.socket, _session_folder()}:
        shutil.rmtree(folder, ignore_errors=True)


def _session_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"quartier-tests-{os.environ[SESSION]}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server that DATABASE_URL names, or one of this session that its workers share."""
    folder = _session_folder()
    folder.mkdir(mode=0o711, exist_ok=True)
    with contextlib.ExitStack() as stack:
        url = os.environ.get("DATABASE_URL")
        try:
            if url is None:
                url = stack.enter_context(embedded_postgres.start(folder, durable=False)).url()
            admin = psycopg.connect(url, autocommit=True, connect_timeout=5)
        except (embedded_postgres.EmbeddedPostgresError, psycopg.OperationalError) as error:
            absent("PostgreSQL", str(error))
        server = Server(url, stack.enter_context(admin))
        yield server
        _drop_finished(server)


@pytest.fixture(scope="session")
def template(postgres: Server, django_db_blocker) -> str:
    """The name of a database that is migrated and otherwise empty: made once, by one worker."""
    name = _template_name()
    with (_session_folder() / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _exists(postgres, name):
            # Renamed when whole: a worker that dies midway leaves no template.
            draft = f"{name}_{os.getpid()}"
            postgres.execute("CREATE DATABASE {draft} TEMPLATE template0", draft=draft)
            with django_db_blocker.unblock(), _default_database(postgres.address(draft)):
                from django.core.management import call_command  # noqa: PLC0415 - needs settings

                call_command("migrate", verbosity=0)
            postgres.execute("ALTER DATABASE {draft} RENAME TO {name}", draft=draft, name=name)
            postgres.execute("ALTER DATABASE {name} ALLOW_CONNECTIONS false", name=name)
    return name


@pytest.fixture
def database(
    postgres: Server, template: str, django_db_blocker, monkeypatch, tmp_path
) -> Iterator[Database]:
    """A database of the test's own, migrated and empty; Django's default connection is to it."""
    # A key remembers what it has signed last: each log needs one of its own.
    monkeypatch.setenv("QUARTIER_SIGNING_KEY_FILE", str(tmp_path / "log-key"))
    _drop_finished(postgres)
    name = f"{template}_{os.getpid()}_{next(_numbers)}"
    url = postgres.address(name)
    postgres.execute("CREATE DATABASE {name} TEMPLATE {template}", name=name, template=template)
    try:
        monkeypatch.setenv("DATABASE_URL", _as_url(url))
        with django_db_blocker.unblock(), _default_database(url):
            yield Database(name, _as_url(url))
    finally:
        # Not dropped at once: PostgreSQL would wait 0.1 s for connections that are being closed.
        _finished.append(name)


@pytest.fixture(scope="session")
def django_db_setup():
    """Refuse pytest-django's own database, which it empties by TRUNCATE."""
    pytest.fail("Ask for the `database` fixture instead of the django_db mark.")


@pytest.fixture(scope="session", autouse=True)
def no_broker_by_chance() -> Iterator[None]:
    """What a test starts publishes nowhere, unless the test says where."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
        patch.setattr(environment, "BROKER_FILE", Path(os.devnull))
        yield


@pytest.fixture(scope="session")
def kafka() -> str:
    """The addresses of a Kafka broker, as clients take them."""
    if not BROKERS:
        absent("Kafka", "KAFKA_BOOTSTRAP_SERVERS names no broker")
    return BROKERS


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium, for Playwright's `executable_path`."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        absent("Chromium", f"none of {', '.join(names)} is on the PATH")
    return found


_numbers = itertools.count(1)
_finished: list[str] = []


def _drop_finished(server: Server) -> None:
    while _finished:
        # Forced: a test's threads and processes may have left connections.
        server.execute("DROP DATABASE {name} WITH (FORCE)", name=_finished.pop())


def _template_name() -> str:
    return f"quartier_test_{os.environ[SESSION]}"


def _exists(server: Server, database: str) -> bool:
    query = "SELECT 1 FROM pg_database WHERE datname = %s"
    return server.admin.execute(query, [database]).fetchone() is not None


def _as_url(info: str) -> str:
    """A connection string as the URL that DATABASE_URL holds."""
    parts = conninfo.conninfo_to_dict(info)
    named = [parts.pop(key, None) for key in ("user", "password", "dbname")]
    user, password, database = (quote(str(name or ""), safe="") for name in named)
    user += f":{password}" if password else ""
    return f"postgresql://{user}@/{database}?{urlencode(parts)}"


@contextlib.contextmanager
def _default_database(info: str) -> Iterator[None]:
    """Point Django's default connection, in every thread, at another database."""
    from django.db import connections  # noqa: PLC0415 - needs settings

    parts = conninfo.conninfo_to_dict(info)
    settings = connections.settings["default"]
    before = dict(settings)
    changed = {
        "HOST": parts.get("host", ""),
        "PORT": parts.get("port", ""),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "NAME": parts["dbname"],
        "OPTIONS": {
            key: value for key, value in (settings.get("OPTIONS") or {}).items() if key not in parts
        },
    }
    _close(connections)
    settings.update(changed)
    try:
        yield
    finally:
        _close(connections)
        settings.update(before)


def _close(connections) -> None:
    connections.close_all()
    default = connections["default"]
    if hasattr(default, "close_pool"):
        default.close_pool()
