"""All of it at once, on one machine, to try it out."""

from __future__ import annotations

from infra.cli.terminal import FOUND_WRONG, USED_WRONGLY, Port, fail
from infra.operations import preflight, up


def up_command(port: Port = 8000) -> None:
    """Start everything on this machine, to try it out: nothing need be installed or set.

    Starts PostgreSQL in `.quartier` (`QUARTIER_HOME`), or uses the server that `DATABASE_URL`
    names, and a Kafka broker in memory, or uses those that `KAFKA_BOOTSTRAP_SERVERS` names;
    migrates; opens the example accounts; imports the two examples if the store is empty; serves
    HTTP on this machine alone and does the background work. Prints the addresses, the accounts
    with their tokens, and then `ready`. Ctrl-C stops everything; the data are kept, but for what
    the broker in memory held, which is published again.

    For example:

        quartier up

        PORT=8080 quartier up

        QUARTIER_HOME=/srv/quartier quartier up --port 8080
    """
    try:
        up.up(port)
    except preflight.CannotStart as error:
        fail(str(error), USED_WRONGLY if error.used_wrongly else FOUND_WRONG)
