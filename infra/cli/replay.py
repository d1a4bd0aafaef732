"""A contract's history, told again: as it was, as it was known then, as it might have been."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.chapters.initiation import ContractInitiated
from domain.counterfactual import Difference, differences
from domain.kernel.framework import FRAMEWORKS, Framework
from domain.kernel.history import effective
from infra import vault
from infra.accounts import Role
from infra.cli import terminal
from infra.cli.terminal import USED_WRONGLY, AsJson, InLanguage, fail, plain, say
from infra.conf.reference import reference
from infra.eventstore.repository import UnknownContract, history_of
from infra.operations import session
from infra.recording.submission import today_in_geneva
from projections.catalogue import VIEWS

if TYPE_CHECKING:
    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId, Language


def replay_command(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="Its id, such as paquis.")],
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="INSTANT", help="Only what was recorded by then."),
    ] = None,
    valid_at: Annotated[
        str | None,
        typer.Option("--valid-at", metavar="DAY", help="Only what had been decided by then."),
    ] = None,
    framework: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Judge it as if it had begun under this framework."),
    ] = None,
    view: Annotated[
        str, typer.Option(metavar="VIEW", help="The view to end with; none for none.")
    ] = "overview",
    as_json: AsJson = False,
    language: InLanguage = "fr",
) -> None:
    """Tell a contract's history, decision by decision, and what it comes to.

    With `--framework` every decision is judged again under that version of the framework: what
    would have been refused, what would have needed a justification, what stood in the way and
    would not have.

    For example:

        quartier replay paquis

        quartier replay paquis --valid-at 2015-12-31 --view roadmap

        quartier replay grottes --framework cadre-2014 --json
    """
    chosen = terminal.read_language(language)
    known, valid = (
        terminal.read_instant(known_at, "--known-at"),
        terminal.read_day(valid_at, "--valid-at"),
    )
    other = None if framework is None else _framework(framework)
    if view not in VIEWS and view != "none":
        fail(f"There is no view {plain(view)}: {', '.join(VIEWS)}.", USED_WRONGLY)
    with session.opened():
        history = _history(contract, known, valid)
        today = valid or today_in_geneva(known or dt.datetime.now(dt.UTC))
        otherwise: dict[int, Difference] = {}
        if other is not None:
            found = differences(history, other, today=today, reference=reference())
            otherwise = {each.recorded.position: each for each in found}
            history = [_begun_under(other, recorded) for recorded in history]
        document = _document(view, history, today, chosen)
        departures = vault.texts(
            [why.text for recorded in history for why in recorded.act.departures.values()],
            reader=Role.ADMIN,
            language=chosen,
        )
    if as_json:
        terminal.answer(
            {
                "contract": contract,
                "framework": framework,
                "decisions": [
                    _as_json(recorded, departures, otherwise.get(recorded.position), chosen)
                    for recorded in history
                ],
                "view": document,
            }
        )
    else:
        for recorded in history:
            _say(recorded, departures, otherwise.get(recorded.position), chosen)
        if document is not None:
            say(f"\n[bold]{view}[/]")
            say(plain(json.dumps(document, ensure_ascii=False, indent=2)))


def _framework(version: str) -> Framework:
    if version not in FRAMEWORKS:
        known = ", ".join(FRAMEWORKS)
        fail(f"There is no framework {plain(version)}; there are: {known}.", USED_WRONGLY)
    return FRAMEWORKS[version]


def _begun_under(framework: Framework, recorded: Recorded[Any]) -> Recorded[Any]:
    """The same decision, of a contract that began under that version."""
    if not isinstance(recorded.decision, ContractInitiated):
        return recorded
    begun = recorded.decision.model_copy(update={"framework": framework.version})
    return replace(recorded, decision=begun)


def _history(
    contract: ContractId, known_at: dt.datetime | None, valid_at: dt.date | None
) -> list[Recorded[Any]]:
    """What was known of what had been decided, corrections in place."""
    try:
        recorded = history_of(contract)
    except UnknownContract:
        fail(f"There is no contract {plain(contract)}.")
    known = [each for each in recorded if known_at is None or each.recorded_at <= known_at]
    history = list(effective(known, valid_at=valid_at))
    if not history:
        fail(f"Nothing of {plain(contract)} was known or decided by then.")
    return history


def _document(
    name: str, history: list[Recorded[Any]], today: dt.date, language: Language
) -> dict[str, Any] | None:
    if name == "none":
        return None
    view = VIEWS[name]
    doc = view.begin()
    for recorded in history:
        view.apply(doc, recorded)
    answer: dict[str, Any] = json.loads(view.answer(doc, today))
    rendered: dict[str, Any] = vault.render(answer, reader=Role.ADMIN, language=language)
    return rendered


def _as_json(
    recorded: Recorded[Any],
    departures: dict[str, str],
    otherwise: Difference | None,
    language: Language,
) -> dict[str, Any]:
    told = {
        "position": recorded.position,
        "version": recorded.version,
        "type": recorded.decision.slug,
        "label": recorded.decision.label().to(language),
        "body": recorded.act.body.value,
        "decided_on": recorded.act.decided_on.isoformat(),
        "recorded_at": recorded.recorded_at.isoformat(),
        "recorded_by": recorded.recorded_by,
        "departures": {rule: departures[why.text] for rule, why in recorded.act.departures.items()},
    }
    if otherwise is not None:
        told["otherwise"] = {
            name: [finding.as_json(language) for finding in getattr(otherwise, name)]
            for name in OTHERWISE
        }
    return told


OTHERWISE = {
    "refused": "[red]would be refused[/]",
    "unjustified": "[red]would need a justification[/]",
    "no_longer": "[green]would not stand in the way[/]",
}
"""The three parts of a difference, and how they are said."""


def _say(
    recorded: Recorded[Any],
    departures: dict[str, str],
    otherwise: Difference | None,
    language: Language,
) -> None:
    say(
        f"[dim]{recorded.version:>4}[/]  {recorded.act.decided_on}  "
        f"{plain(recorded.decision.label().to(language))}  "
        f"[dim]{recorded.act.body.label.to(language)}, {recorded.decision.slug}[/]"
    )
    for rule, why in recorded.act.departures.items():
        say(f"        [yellow]departs from {rule}[/]: {plain(departures[why.text])}")
    for name, what in OTHERWISE.items():
        for finding in getattr(otherwise, name, ()):
            say(f"        {what}: {plain(finding.message(language))} [dim]{finding.id}[/]")
