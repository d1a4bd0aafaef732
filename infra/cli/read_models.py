"""Read models: make them anew."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli import terminal
from infra.cli.terminal import USED_WRONGLY, AsJson, fail, note, plain, say
from infra.eventstore.source import StoredEvents
from infra.operations import session
from projections.catalogue import PROJECTIONS
from projections.engine.rebuild import RebuildRunning, rebuild


def rebuild_command(
    view: Annotated[
        str | None, typer.Argument(metavar="[VIEW]", help="A view or a table; all by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make read models anew from the events, beside those in use, then put them in their place.

    Nothing is interrupted: readers see the old ones until the new ones are complete.

    For example:

        quartier rebuild

        quartier rebuild roadmap
    """
    if view is not None and view not in PROJECTIONS:
        known = ", ".join(sorted(PROJECTIONS))
        fail(f"There is no read model {plain(view)}; there are: {known}.", USED_WRONGLY)
    chosen = [each for name, each in PROJECTIONS.items() if view in {None, name}]
    with session.opened():
        try:
            with terminal.progress("Events", StoredEvents().end()) as done:
                rebuilt = rebuild(StoredEvents(), chosen, lambda events, _: done(events))
        except RebuildRunning:
            fail("Another rebuild is running.")
    failed = [str(poison) for poison in rebuilt.poisoned]
    if as_json:
        terminal.answer(
            {
                "read_models": [each.name for each in chosen],
                "events": rebuilt.events,
                "contracts": rebuilt.contracts,
                "position": rebuilt.position,
                "failed": failed,
            }
        )
    else:
        say(
            f"{len(chosen) - len(failed)} read models made from {rebuilt.events} events "
            f"of {rebuilt.contracts} contracts."
        )
    for each in failed:
        note(f"[red]Left as it was: {plain(each)}[/]")
    if failed:
        raise typer.Exit(terminal.FOUND_WRONG)
