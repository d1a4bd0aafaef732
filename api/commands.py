"""The command that needs the HTTP API: `quartier golden`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.terminal import USED_WRONGLY, fail, note, plain, say
from infra.operations import session


def golden_command(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say which are not up to date.")
    ] = False,
    root: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The project's top; here by default.")
    ] = None,
) -> None:
    """Write what is derived from the decision types and committed: a change of it is reviewed.

    For example:

        quartier golden

        quartier golden --check
    """
    session.prepare()
    from api.openapi.golden import golden_files  # noqa: PLC0415 - it needs Django's settings

    top = root or Path.cwd()
    if not (top / "pyproject.toml").is_file():
        fail(f"{plain(top)} is not the top of the project.", USED_WRONGLY)
    stale = []
    for path, content in golden_files().items():
        file = top / path
        if file.is_file() and file.read_bytes() == content:
            continue
        stale.append(path)
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    for path in stale:
        (note if check else say)(f"{path} {'is not up to date' if check else 'written'}")
    if check and stale:
        fail("Run `quartier golden` and review the difference.")
    if not stale:
        say("Every golden file is up to date.")
