"""The program `quartier`: the command line, with what needs the HTTP API.

Imports go from here to `infra`, never back, so that this module adds to its commands.
"""

from __future__ import annotations

from infra.cli.deferred import Deferred
from infra.cli.program import main, program

__all__ = ["main"]

program.add_command(
    Deferred(
        "golden",
        "api.commands:golden_command",
        "Write what is derived from the decision types and committed: a change of it is reviewed.",
    )
)

if __name__ == "__main__":
    main()
