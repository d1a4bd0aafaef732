"""What is done in the background, part by part: what a worker runs, and what each command names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from domain.stored import UnreadableEvent
from infra import kafka_client
from infra.log.keys import demand_keys
from infra.log.sealing import Sealer
from infra.log.witness import Cosigner
from infra.relay.relay import relay_of
from infra.relay.resuming import RelayStopped
from infra.relay.topics import TopicsUnfit
from infra.source import StoredEvents
from infra.worker import Work, in_steps
from projections.catalogue import PROJECTIONS
from projections.positions import positions
from projections.rebuild import RebuildRunning, rebuild
from projections.runner import Runner

if TYPE_CHECKING:
    import threading

    from projections.projection import Projection
    from projections.runner import Stopped

log = structlog.get_logger(__name__)


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
    looked = False

    def step() -> bool:
        nonlocal looked
        if not looked:
            _renew()
            looked = True
        return following.step() > 0

    return [in_steps("projections", step)]


def sealing() -> list[Work]:
    """The transparency log: sealed by one worker at a time, and cosigned if there are witnesses.

    Raises:
        KeyFileError: in production there is no key.
    """
    demand_keys()
    return [in_steps("seal", Sealer().step), in_steps("cosign", Cosigner().step)]


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


def _renew() -> None:
    if not (old := outdated()):
        return
    try:
        rebuilt = rebuild(StoredEvents(), old)
    except RebuildRunning:
        log.info("rebuild_is_running_elsewhere")
        return
    except UnreadableEvent as error:
        # The others go on; these stay as they are until this program, or the event, is mended.
        log.critical(
            "read_models_not_renewed", names=[each.name for each in old], reason=str(error)
        )
        return
    log.info("read_models_renewed", names=[each.name for each in old], events=rebuilt.events)
