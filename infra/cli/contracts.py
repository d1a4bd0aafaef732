"""Contracts in files: bring one in, take one out."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from infra.cli import terminal
from infra.cli.terminal import USED_WRONGLY, AsJson, InLanguage, fail, plain, say
from infra.eventstore.append import StaleVersion
from infra.eventstore.repository import UnknownContract
from infra.exchange.exporting import export_contract
from infra.exchange.importing import Fault, Report, import_file
from infra.operations import session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.values import Language


def import_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Decisions in NDJSON; - reads standard input.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge every line and record nothing.")
    ] = False,
    as_json: AsJson = False,
    language: InLanguage = "fr",
) -> None:
    """Record the decisions of a file: all of them, or none.

    Every line is judged by the rules, like any other decision. If one is faulty, nothing is
    recorded, and each fault is said with its line, its field and its rule. What the store has
    already is passed over: importing a file twice records nothing new.

    For example:

        quartier import contract.ndjson --dry-run

        quartier import contract.ndjson

        zcat archive.ndjson.gz | quartier import - --json
    """
    chosen = terminal.read_language(language)
    with _read(file) as (stream, lines), session.opened():
        try:
            with terminal.progress("Lines", lines) as done:
                report = import_file(
                    stream, now=datetime.now(UTC), dry_run=dry_run, progress=_seldom(done)
                )
        except StaleVersion as error:
            fail(f"Somebody else recorded meanwhile ({error}). Nothing was imported: try again.")
    if as_json:
        terminal.answer(report.as_json(chosen))
    else:
        _say_report(report, chosen)
    if report.faulty:
        raise typer.Exit(terminal.FOUND_WRONG)


def export_command(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="Its id, such as paquis.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write this file, only its owner may read it."),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Say who the persons are, from the vault.")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="Leave out the texts that not everybody may read.")
    ] = False,
) -> None:
    """Write a contract's decisions as a file that `quartier import` reads.

    Persons are handles; with --names the file also says who they are. Free texts are in clear.

    For example:

        quartier export paquis > paquis.ndjson

        quartier export paquis --names -o paquis.ndjson

        quartier export paquis --public
    """
    with session.opened():
        lines = export_contract(contract, names=names, restricted=not public)
        try:
            if output is None:
                sys.stdout.buffer.writelines(lines)
                sys.stdout.buffer.flush()
            else:
                _write_whole(output, lines)
        except UnknownContract:
            fail(f"There is no contract {plain(contract)}.")


@contextlib.contextmanager
def _read(file: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file, and how many lines it has where that can be told beforehand."""
    if str(file) == "-":
        yield sys.stdin.buffer, None
        return
    try:
        with file.open("rb") as stream:
            lines = None
            if terminal.err.is_terminal and stream.seekable():
                lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
                stream.seek(0)
            yield stream, lines
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", USED_WRONGLY)


def _seldom(done: terminal.Done) -> terminal.Done:
    """A bar need not move a thousand times a second."""
    return lambda number: done(number) if number % 50 == 0 else None


def _write_whole(output: Path, lines: Iterator[bytes]) -> None:
    """Write beside the place and then move there: a file is whole or not there."""
    try:
        descriptor, draft = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}.", USED_WRONGLY)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(lines)
        Path(draft).replace(output)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _say_report(report: Report, language: Language) -> None:
    for fault in report.faults:
        _say_fault(fault, language)
    if report.faulty:
        hidden = report.faulty - len(report.faults)
        more = f" ({hidden} more are not shown)" if hidden else ""
        say(f"[bold red]{_count(report.faulty, 'faulty line')}{more}.[/] Nothing was recorded.")
        return
    would = "would be " if report.dry_run else ""
    say(
        f"{_count(report.recorded, 'decision')} {would}recorded "
        f"in {_count(len(report.contracts), 'contract')}, {report.known} known already, "
        f"{_count(report.persons, 'person')} new."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _say_fault(fault: Fault, language: Language) -> None:
    what = " ".join(plain(each) for each in (fault.contract, fault.decision) if each)
    after = f" [dim](perhaps only because of line {fault.after})[/]" if fault.after else ""
    say(f"[bold]line {fault.line}[/] {what}{after}")
    for error in fault.errors:
        say(f"  {plain(error.pointer or '/')}: {plain(error.message)} [dim]{error.code}[/]")
    for finding in fault.findings:
        basis = f"§{finding.basis}" if finding.basis[0].isdigit() else finding.basis
        say(f"  {plain(finding.message(language))} [dim]{finding.id}, {basis}[/]")
