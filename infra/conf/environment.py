"""Settings by environment: where things are, and what must not be missing in production."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from infra.embedded.embedded_place import find_place
from infra.embedded.embedded_postgres import EmbeddedPostgres

ROOT: Final = Path(__file__).resolve().parents[2]

HOME: Final = Path(os.environ.get("QUARTIER_HOME") or ROOT / ".quartier")
"""What this machine keeps for Quartier: the embedded servers' data, keys, documents."""

POSTGRES_HOME: Final = HOME / "postgres"
"""The folder of the embedded PostgreSQL."""

BROKER_FILE: Final = HOME / "broker"
"""Where the embedded Kafka broker keeps its address while it runs."""

DATABASE_NAME: Final = "quartier"
"""The name of its database."""

REQUIRED: Final = ("ALLOWED_HOSTS", "DATABASE_URL", "DJANGO_SECRET_KEY")
"""What has an embedded default for trying out, and none in production."""


def is_production() -> bool:
    """Whether `QUARTIER_ENV` says that others depend on this."""
    return os.environ.get("QUARTIER_ENV") == "production"


def demand_secrets() -> None:
    """Refuse to start in production without what only the operator can give.

    Raises:
        ImproperlyConfigured: names everything that is missing, at once.
    """
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if is_production() and missing:
        raise ImproperlyConfigured(
            f"QUARTIER_ENV=production, but these are not set: {', '.join(missing)}."
        )


def public_url() -> str:
    """`PUBLIC_URL`, under which the service is reached, without a slash at its end; "" if unknown.

    Raises:
        ImproperlyConfigured: it is no address of that form.
    """
    given = os.environ.get("PUBLIC_URL", "").strip().rstrip("/")
    if given and not re.fullmatch(r"https?://[^\s/?#@]+", given):
        raise ImproperlyConfigured(
            f"PUBLIC_URL is like https://quartier.example, without a path, not {given!r}."
        )
    return given


def trusted_proxies() -> int:
    """`TRUSTED_PROXIES`: how many proxies in front add to the headers `X-Forwarded-*`; 0 if none.

    Raises:
        ImproperlyConfigured: it is no number.
    """
    given = os.environ.get("TRUSTED_PROXIES") or "0"
    if not re.fullmatch(r"\d{1,2}", given, re.ASCII):
        raise ImproperlyConfigured(f"TRUSTED_PROXIES is a number of proxies, not {given!r}.")
    return int(given)


def cache_megabytes() -> int:
    """`QUARTIER_CACHE_MB`: how much of its memory a process may fill with contracts; 200 if unset.

    Raises:
        ImproperlyConfigured: it is no whole number.
    """
    given = os.environ.get("QUARTIER_CACHE_MB") or "200"
    if not re.fullmatch(r"\d{1,6}", given, re.ASCII):
        raise ImproperlyConfigured(f"QUARTIER_CACHE_MB is a number of megabytes, not {given!r}.")
    return int(given)


def database_url() -> str:
    """The address of the database: `DATABASE_URL`, or the embedded server's socket."""
    if url := os.environ.get("DATABASE_URL"):
        return url
    if POSTGRES_HOME.is_dir():
        return EmbeddedPostgres(find_place(POSTGRES_HOME)).url(DATABASE_NAME)
    # Nothing was started here yet: name the usual place, and make nothing on the disk.
    return f"postgresql://postgres@/{DATABASE_NAME}?host={POSTGRES_HOME / 'socket'}"


def secret_key() -> str:
    """The key that signs sessions: `DJANGO_SECRET_KEY`, or one kept for this machine."""
    if key := os.environ.get("DJANGO_SECRET_KEY"):
        return key
    if not HOME.is_dir():
        return secrets.token_urlsafe(50)
    file = HOME / "secret-key"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text("ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as new:
        new.write(key := secrets.token_urlsafe(50))
    return key


def allowed_hosts() -> list[str]:
    """`ALLOWED_HOSTS`, separated by commas; this machine's own names by default."""
    given = os.environ.get("ALLOWED_HOSTS", "")
    return [host.strip() for host in given.split(",") if host.strip()] or [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "testserver",
    ]
