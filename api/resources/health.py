"""Is it alive, is it ready, and how is it doing: for whoever keeps it running."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.http import HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from api.http import problems
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.responses import answered
from domain.kernel.values import Bilingual
from infra.audit.integrity import ahead_of_the_clock
from infra.broker import kafka_client
from infra.conf.reference import reference
from infra.database.connection import cursor, forget_connection
from infra.database.lease import leases
from infra.database.migrated import migrations_due, newer_migrations
from infra.eventstore.store import log_size
from infra.log.sealing import LEASE as SEALER
from infra.log.sealing import oldest_unsealed, unsealed
from infra.processes import metrics
from infra.relay.source import LEASE as RELAY
from projections.engine.positions import positions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric
    from rest_framework.request import Request

NO_STORE: Final = {"Cache-Control": "no-store"}
OK: Final = "ok"
UNSEALED: Final = dt.timedelta(minutes=1)
"""How long a decision may lie unsealed, before it is said: someone may have refused to sign."""

BEHIND: Final = 1_000
"""Decisions that read models may be behind, before it is said of them."""


class Live(Endpoint):
    """The process answers. Asks nothing of anything else."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look up no account: the database may not answer."""
        django_request(request).META.pop("HTTP_AUTHORIZATION", None)
        super().initial(request, *args, **kwargs)

    @operation(Bilingual("Le processus répond", "The process answers"), Answer("Live"))
    def get(self, request: Request) -> HttpResponse:
        return answered({"live": True}, headers=NO_STORE)


class Ready(Endpoint):
    """Everything that answering needs is there; or which part is not.

    Read models that are behind are named, decisions that are not sealed, background work without a
    holder, tables that a newer program has changed, a clock that ran ahead. None of them makes the
    service unready: contracts are read and recorded all the same, and a load balancer would take
    every server out at once.
    """

    @operation(
        Bilingual("Le service est prêt", "The service is ready"),
        Answer("Ready"),
        problems=(problems.UNAVAILABLE,),
    )
    def get(self, request: Request) -> HttpResponse:
        checks = {name: _outcome(check) for name, check in CHECKS.items()}
        missing = [name for name in NEEDED if checks[name] != OK]
        if missing:
            raise problems.not_ready(missing, checks)
        return answered({"ready": True, "checks": checks}, headers=NO_STORE)


def _outcome(check: Callable[[], str]) -> str:
    try:
        return check()
    except (psycopg.Error, Error) as error:
        forget_connection()
        # The kind of fault only: its message may name hosts and users.
        return f"failed: {type(error).__name__}"
    except ImproperlyConfigured:
        return "failed: not configured"


def _database() -> str:
    log_size()
    return OK


def _migrations() -> str:
    due = migrations_due()
    return OK if not due else f"{due} not applied"


def _newer_migrations() -> str:
    """Whether a newer program has changed the tables: while versions change, both serve."""
    newer = newer_migrations()
    return OK if not newer else f"of a newer version: {', '.join(newer)}"


def _clock() -> str:
    """Whether the clock of the database is behind what it said before."""
    instant = ahead_of_the_clock()
    return (
        OK if instant is None else f"the last decision is recorded in the future: {_utc(instant)}"
    )


def _reference() -> str:
    reference()
    return OK


def _read_models() -> str:
    """How far behind the log they are, and which are stopped."""
    end, known = log_size(), positions().values()
    stopped = [each.name for each in known if each.stopped_at is not None]
    if stopped:
        return f"stopped: {', '.join(stopped)}"
    behind = end - min((each.position for each in known), default=0)
    return OK if behind <= BEHIND else f"{behind} decisions behind"


def _log() -> str:
    """Whether the transparency log keeps up. If not, `quartier check` says why."""
    since = oldest_unsealed(cursor())
    if since is None or dt.datetime.now(dt.UTC) - since < UNSEALED:
        return OK
    return f"{unsealed(cursor())} decisions not sealed since {_utc(since)}"


def _utc(instant: dt.datetime) -> str:
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def _work(name: str) -> Callable[[], str]:
    """Whether some process does that background work, and why it waits."""

    def check() -> str:
        held = leases().get(name)
        if held is None:
            return OK if name == RELAY and not _names_brokers() else "has never run"
        if held.note:
            return held.note
        return OK if held.alive else f"not running since {_utc(held.renewed_at)}"

    return check


def _names_brokers() -> bool:
    try:
        kafka_client.bootstrap_servers()
    except kafka_client.NoBroker:
        return False
    return True


CHECKS: Final[dict[str, Callable[[], str]]] = {
    "database": _database,
    "migrations": _migrations,
    "reference": _reference,
    "read_models": _read_models,
    "log": _log,
    "newer_migrations": _newer_migrations,
    "clock": _clock,
    "projections": _work("projections"),
    "sealer": _work(SEALER),
    "relay": _work(RELAY),
}
NEEDED: Final = ("database", "migrations", "reference")


# --- Metrics ------------------------------------------------------------------------------------


class Metrics(Endpoint):
    """Figures for Prometheus, over all processes of this machine.

    What the worker has to tell is among it where both share a folder, as under `quartier up`.
    """

    @operation(
        Bilingual("Mesures pour Prometheus", "Figures for Prometheus"),
        Answer({"type": "string"}, media_type="text/plain"),
    )
    def get(self, request: Request) -> HttpResponse:
        state = CollectorRegistry()
        state.register(StoreCollector())
        return HttpResponse(
            generate_latest(metrics.registry()) + generate_latest(state),
            content_type=CONTENT_TYPE_LATEST,
            headers=NO_STORE,
        )


class StoreCollector:
    """What is read from the database when somebody asks, once for all processes."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("quartier_database_up", "Whether the database answers.")
        try:
            known, size, unsealed_now = positions(), log_size(), unsealed(cursor())
            held = leases().values()
        except (psycopg.Error, Error):
            forget_connection()
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        events = GaugeMetricFamily("quartier_events", "Decisions recorded, all in all.")
        events.add_metric([], size)
        yield events
        waiting = GaugeMetricFamily("quartier_log_unsealed", "Decisions not yet sealed in the log.")
        waiting.add_metric([], unsealed_now)
        yield waiting
        behind = GaugeMetricFamily(
            "quartier_read_model_behind",
            "Decisions that a read model has not taken in.",
            labels=["read_model"],
        )
        stopped = GaugeMetricFamily(
            "quartier_read_model_stopped",
            "Whether a read model is stopped at a decision.",
            labels=["read_model"],
        )
        for each in known.values():
            behind.add_metric([each.name], max(0, size - each.position))
            stopped.add_metric([each.name], each.stopped_at is not None)
        yield behind
        yield stopped
        alive = GaugeMetricFamily(
            "quartier_work_alive", "Whether some process does a background work.", labels=["work"]
        )
        renewed = GaugeMetricFamily(
            "quartier_work_renewed_timestamp_seconds",
            "When the process that does a background work was last heard of, in Unix time.",
            labels=["work"],
        )
        for lease in held:
            alive.add_metric([lease.name], lease.alive and lease.note is None)
            renewed.add_metric([lease.name], lease.renewed_at.timestamp())
        yield alive
        yield renewed
