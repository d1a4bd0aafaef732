"""Commands on the log: its keys, and following it from outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.terminal import (
    FOUND_WRONG,
    USED_WRONGLY,
    AsJson,
    answer,
    fail,
    note,
    plain,
    say,
)
from infra.log import keys as files
from infra.log.monitor import NotReachable, fetcher, follow
from infra.log.notes import Note, NoteError, VerifierKey

if TYPE_CHECKING:
    from infra.log.keys import LogKeys

log_app = typer.Typer(help="The transparency log: its keys, its checkpoints.", no_args_is_help=True)
key_app = typer.Typer(
    help="The keys that sign the log. For example: `quartier log key show`", no_args_is_help=True
)
log_app.add_typer(key_app, name="key")


@key_app.command("create")
def create(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The log's name, such as log.example.ch/quartier."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the key of a new log, in the file that QUARTIER_SIGNING_KEY_FILE names.

    The name identifies the log for ever: the address it is served at, without https://.

    For example:

        quartier log key create quartier.example/log
    """
    try:
        made = files.LogKeys.generate(name)
        files.write_keys(_file(), made, new=True)
    except (NoteError, files.KeyFileError) as error:
        fail(plain(error))
    _show(made, as_json=as_json)


@key_app.command("show")
def show(as_json: AsJson = False) -> None:
    """Show the public keys: publish them where the log's administrators cannot change them.

    For example:

        quartier log key show
    """
    _show(_read(), as_json=as_json)


@key_app.command("rotate")
def rotate(as_json: AsJson = False) -> None:
    """Add a new key. The old ones go on signing, until `quartier log key retire`.

    For example:

        quartier log key rotate
    """
    rotated = _read().rotated()
    files.write_keys(_file(), rotated)
    _show(rotated, as_json=as_json)
    note("Publish the new key; once everybody has it: quartier log key retire")


@key_app.command("retire")
def retire(as_json: AsJson = False) -> None:
    """Let only the newest key sign; the secrets of the others are forgotten.

    For example:

        quartier log key retire
    """
    settled = _read().settled()
    files.write_keys(_file(), settled)
    _show(settled, as_json=as_json)


def _file() -> Path:
    try:
        return files.key_file()
    except files.KeyFileError as error:
        fail(plain(error))


def _read() -> LogKeys:
    try:
        return files.read_keys(_file())
    except files.KeyFileError as error:
        fail(plain(error))


def _show(keys: LogKeys, *, as_json: bool) -> None:
    shown: dict[str, Any] = {
        "origin": keys.origin,
        "file": str(_file()),
        "active": [str(key) for key in keys.active],
        "retired": [str(key) for key in keys.retired],
    }
    if as_json:
        answer(shown)
        return
    for key in shown["active"]:
        say(plain(key))
    for key in shown["retired"]:
        say(f"{plain(key)}  (retired)")


@log_app.command("follow")
def follow_command(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Such as https://quartier.example/log.")
    ],
    key: Annotated[
        list[str], typer.Option("--key", help="Public key of the log; may be repeated.")
    ],
    kept: Annotated[
        Path | None,
        typer.Option("--kept", help="Checkpoint from last time; replaced by the new one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read a log's newest checkpoint, and check that it extends the one you kept.

    Run daily by somebody else than whoever runs the log, it shows that nothing was rewritten.
    Exit status 1 if something was, or the checkpoint is not signed; 2 if the log does not answer.

    For example:
        quartier log follow https://quartier.example/log --key "$KEY" --kept checkpoint
    """
    try:
        trusted = [VerifierKey.parse(each) for each in key]
        before = Note.parse(kept.read_bytes()) if kept and kept.exists() else None
    except (NoteError, OSError) as error:
        fail(plain(error), USED_WRONGLY)
    try:
        newest, found = follow(fetcher(url), trusted, before)
    except (NotReachable, OSError) as error:
        fail(f"Cannot be reached: {plain(error)}", USED_WRONGLY)
    except (NoteError, ValueError) as error:
        fail(plain(error))
    if as_json:
        answer({"checkpoint": str(newest), "findings": [each.as_json() for each in found]})
    else:
        for each in found:
            note(f"[red]{plain(each)}[/]")
        say(plain(str(newest).rstrip()))
    if found:
        raise typer.Exit(FOUND_WRONG)
    if kept:
        kept.write_text(str(newest), "utf-8")
