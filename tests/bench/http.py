"""How fast decisions are recorded over HTTP, beside a bare endpoint on the same server."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import orjson

from infra.accounts import Role, create_account
from tests.bench.append import fresh
from tests.bench.measure import Ratio, interleaved, rate
from tests.bench.workload import ACTIVITY, DAY

if TYPE_CHECKING:
    from tests.bench.place import Place

CLIENTS = 16
SECONDS = 5.0

BODY = orjson.dumps({"decided_on": DAY, "data": orjson.Fragment(ACTIVITY)})


@contextlib.contextmanager
def served(settings: str, probe: str) -> Iterator[int]:
    """A server of its own process, as `quartier web` starts it; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening, tempfile.TemporaryDirectory() as own:
        port = listening.getsockname()[1]
        command = (
            sys.executable,
            "-m",
            "infra.web.server",
            listening.fileno(),
            f"{own}/0",
            CLIENTS,
        )
        server = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": settings, "LOG_FORMAT": "json"},
            pass_fds=[listening.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    ask = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                    ask.request("GET", probe)
                    if ask.getresponse().status < 500:
                        break
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()
            server.wait(10)


def poster(
    port: int, path: Callable[[int], str], headers: Mapping[str, str]
) -> Callable[[int], None]:
    """Posts on one kept connection for each thread."""
    kept = threading.local()

    def post(client: int) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        kept.connection.request("POST", path(client), BODY, dict(headers))
        answer = kept.connection.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status}: {said[:500]!r}")

    return post


def beside_bare_endpoint(place: Place) -> Iterator[Ratio]:
    """16 clients, each on its own contract and its own connection."""
    from django.db import connection  # noqa: PLC0415 - settings come first

    from infra.database.connection import as_owner  # noqa: PLC0415
    from tests.bench import bare  # noqa: PLC0415

    token = create_account("bench", Role.COORDINATOR)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(bare.TABLE)
        cursor.execute("GRANT ALL ON bare TO quartier_app")
        cursor.execute("GRANT ALL ON SEQUENCE bare_id_seq TO quartier_app")
    contracts = fresh(CLIENTS)
    json_body = {"Content-Type": "application/json"}
    with (
        served("infra.conf.settings", "/health/live") as ours_at,
        served("tests.bench.bare_settings", "/bare") as theirs_at,
    ):
        ours_post = poster(
            ours_at,
            lambda client: (
                f"/api/v1/contracts/{contracts[client]}/decisions/promotion-activity-held"
            ),
            json_body | {"Authorization": f"Bearer {token}"},
        )
        theirs_post = poster(theirs_at, lambda _: "/bare", json_body)
        yield Ratio(
            f"HTTP append, {CLIENTS} clients, beside a bare DRF endpoint",
            *interleaved(
                lambda: rate(ours_post, writers=CLIENTS, seconds=SECONDS),
                lambda: rate(theirs_post, writers=CLIENTS, seconds=SECONDS),
            ),
            unit="requests/s",
            mark=0.7,
        )
