"""What is done in the background, part by part: what a worker runs, and what each command names."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog

from domain.kernel.payload import UnreadableEvent
from infra.broker import kafka_client
from infra.database.lease import Lease
from infra.eventstore.source import StoredEvents
from infra.log.keys import demand_keys
from infra.log.sealing import Sealer
from infra.log.witness import Cosigner
from infra.operations.worker import Work, in_steps
from infra.relay.published import published_checkpoint
from infra.relay.relay import relay_of
from infra.relay.resuming import RelayStopped
from infra.relay.topics import TopicsUnfit
from projections.catalogue import PROJECTIONS
from projections.engine.positions import positions
from projections.engine.rebuild import RebuildRunning, rebuild
from projections.engine.runner import Runner

if TYPE_CHECKING:
    import threading

    from infra.log.sealing import Published
    from projections.engine.projection import Projection
    from projections.engine.runner import Stopped

log = structlog.get_logger(__name__)

RENEW_AGAIN_SECONDS: Final = 10.0
"""After which it is looked again whether another process has renewed the read models."""


def everything() -> list[Work]:
    """All of it, for `quartier worker`.

    Raises:
        KeyFileError: in production there is no key.
        UnreadableSecret: what the brokers want to know cannot be read.
    """
    try:
        relay = relaying()
    except kafka_client.NoBroker:
        log.warning("no_broker_named", consequence="nothing is published to Kafka")
        relay = []
    return [*projections(), *sealing(), *relay]


def projections() -> list[Work]:
    """The read models, kept up with the log; those of an older program are made anew first."""
    following = runner()
    renew_at = 0.0

    def step() -> bool:
        nonlocal renew_at
        if time.monotonic() >= renew_at:
            renew_at = math.inf if _renew() else time.monotonic() + RENEW_AGAIN_SECONDS
        return following.step() > 0

    return [in_steps("projections", step, lease=Lease("projections"))]


def sealing() -> list[Work]:
    """The transparency log: sealed by one worker at a time, and cosigned if there are witnesses.

    Raises:
        KeyFileError: in production there is no key.
        UnreadableSecret: what the brokers want to know cannot be read.
    """
    demand_keys()
    sealer = Sealer(published=_published_by())
    return [
        in_steps("seal", sealer.step, close=sealer.close),
        in_steps("cosign", Cosigner().step),
    ]


def _published_by() -> Published:
    """What asks the named brokers for the last published checkpoint; nothing where none is named.

    Raises:
        UnreadableSecret: what the brokers want to know cannot be read.
    """
    try:
        cluster = kafka_client.cluster()
    except kafka_client.NoBroker:
        return lambda _: None
    return partial(published_checkpoint, cluster)


def relaying() -> list[Work]:
    """The relay into Kafka: one is active, however many there are.

    Raises:
        NoBroker: the environment names none.
        UnreadableSecret: what the brokers want to know cannot be read.
    """
    relay = relay_of(kafka_client.cluster())

    def run(stopping: threading.Event) -> None:
        try:
            relay.run(stopping)
        except (RelayStopped, TopicsUnfit) as refused:
            log.critical("relay_refused", kind=type(refused).__name__, reason=str(refused))
            raise

    return [Work("relay", run)]


def runner() -> Runner:
    """Moves every read model on."""
    return Runner(StoredEvents(), PROJECTIONS.values(), _alarm)


def _alarm(stopped: Stopped) -> None:
    log.error(
        "read_model_stopped",
        read_model=stopped.name,
        position=stopped.position,
        error=type(stopped.error).__name__,
    )


def outdated() -> list[Projection[Any]]:
    """Read models that an older version of the program wrote.

    Not those of a newer one: while versions change, both run.
    """
    known = positions()
    return [
        projection
        for name, projection in PROJECTIONS.items()
        if name in known and known[name].version < projection.version
    ]


def _renew() -> bool:
    """Make what an older program wrote again; False if another process is about to."""
    if not (old := outdated()):
        return True
    try:
        rebuilt = rebuild(StoredEvents(), old)
    except RebuildRunning:
        log.info("rebuild_is_running_elsewhere")
        return False
    except UnreadableEvent as error:
        # The others go on; these stay as they are until this program, or the event, is mended.
        log.critical(
            "read_models_not_renewed", names=[each.name for each in old], reason=str(error)
        )
        return True
    log.info("read_models_renewed", names=[each.name for each in old], events=rebuilt.events)
    return True
