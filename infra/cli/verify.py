"""Evidence and proofs, checked offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.terminal import (
    FOUND_WRONG,
    USED_WRONGLY,
    AsJson,
    InLanguage,
    answer,
    fail,
    note,
    plain,
    read_language,
    say,
)
from infra.evidence.verifier import verifier


def verify_command(
    file: Annotated[
        Path, typer.Argument(metavar="BUNDLE|PROOF", help="An evidence.zip, or a proof in JSON.")
    ],
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="Public key that must have signed; may be repeated."),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", help="Witness that must have cosigned; may be repeated."),
    ] = None,
    kept: Annotated[
        Path | None, typer.Option("--kept", help="Checkpoint you kept, which the log must extend.")
    ] = None,
    as_json: AsJson = False,
    language: InLanguage = "fr",
) -> None:
    """Check a contract's evidence, or a decision's proof, offline.

    The verdict is that of the `verifier.py` in every bundle. Without --key it is checked under the
    key enclosed: that shows that the evidence is whole, not whose it is. Exit status 1 if
    something is wrong; the first thing is named.

    For example:

        quartier verify paquis-evidence.zip --key 'quartier.example/log+5ff4c1d0+AbC...'

        quartier verify paquis-evidence.zip --kept checkpoint --json
    """
    chosen = read_language(language)
    try:
        verdict = verifier.verify(file, key or (), witness or (), kept)
    except OSError as error:
        fail(f"Cannot read: {plain(error)}", USED_WRONGLY)
    if as_json:
        answer(verdict)
    else:
        word = "[green]ok[/]" if verdict["ok"] else f"[red]{verdict['fault']}[/]"
        say(f"{word}  {plain(verdict[chosen])}")
        for name, value in verdict.items():
            if name not in {"ok", "fault", "fr", "en"}:
                say(f"    {name}: {plain(value)}")
        if verdict["ok"] and not key:
            note("Under the key enclosed: compare it with the one that is published.")
    if not verdict["ok"]:
        raise typer.Exit(FOUND_WRONG)
