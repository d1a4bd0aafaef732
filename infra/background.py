"""What is done in the background, part by part: what a worker runs, and what each command names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from infra.log.keys import demand_keys
from infra.log.sealing import Sealer
from infra.log.witness import Cosigner
from infra.source import StoredEvents
from infra.worker import Work
from projections.catalogue import PROJECTIONS
from projections.positions import positions
from projections.rebuild import RebuildRunning, rebuild
from projections.runner import Runner

if TYPE_CHECKING:
    from projections.projection import Projection
    from projections.runner import Stopped

log = structlog.get_logger(__name__)


def everything() -> list[Work]:
    """All of it, for `quartier worker`."""
    return [*projections(), *sealing()]


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

    return [Work("projections", step)]


def sealing() -> list[Work]:
    """The transparency log: sealed by one worker at a time, and cosigned if there are witnesses.

    Raises:
        KeyFileError: in production there is no key.
    """
    demand_keys()
    return [Work("seal", Sealer().step), Work("cosign", Cosigner().step)]


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
    log.info("read_models_renewed", names=[each.name for each in old], events=rebuilt.events)
