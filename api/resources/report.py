"""The conformity report, written out: as CSV for a spreadsheet, as a page to print.

The page loads nothing and runs nothing, so that it reads the same out of an evidence bundle on a
machine without a network; there its numbers lead nowhere, as the decisions lie beside it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, get_args

import orjson
from django.template.loader import render_to_string

from api.http.spreadsheet import harmless
from domain.kernel.framework import FRAMEWORKS
from domain.kernel.history import effective
from domain.kernel.rule import say
from domain.kernel.values import Bilingual, Language
from infra.vault import render_json
from projections.conformity.conformity import conformity
from projections.conformity.requirement import State
from projections.engine.view import fold
from projections.views.overview import overview

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId
    from infra.accounts import Role
    from projections.conformity.requirement import Facts
    from projections.views.overview import Overview

COLUMNS: Final = (
    *("requirement", "paragraph", "asks_for", "state", "state_name", "because", "due"),
    *("decided_on", "positions", "missing", "departures"),
)
"""Of the CSV; the same whatever the reader's language."""

LABELS: Final[dict[str, Bilingual]] = {
    "report": Bilingual("Rapport de conformité", "Conformity report"),
    "contract": Bilingual("Contrat", "Contract"),
    "territory": Bilingual("Territoire", "Territory"),
    "standing": Bilingual("État", "Standing"),
    "initiated": Bilingual("Initié le", "Initiated on"),
    "launched": Bilingual("Première conférence le", "First plenary on"),
    "ended": Bilingual("Terminé le", "Ended on"),
    "on": Bilingual("Situation au", "As of"),
    "known_at": Bilingual("D'après ce qui était enregistré le", "From what had been recorded by"),
    "framework": Bilingual("Jugé selon", "Judged under"),
    "decisions": Bilingual("Décisions", "Decisions"),
    "summary": Bilingual("En bref", "In short"),
    "attention": Bilingual("Ce qui s'écarte du Cadre", "Where it differs from the framework"),
    "nothing": Bilingual(
        "Rien ne s'écarte de ce que le Cadre demande.",
        "Nothing differs from what the framework asks for.",
    ),
    "requirements": Bilingual("Ce que le Cadre demande", "What the framework asks for"),
    "requirement": Bilingual("Exigence", "Requirement"),
    "state": Bilingual("Réponse", "Answer"),
    "due": Bilingual("Échéance", "Due"),
    "shown_by": Bilingual("Décisions qui le montrent", "Decisions that show it"),
    "missing": Bilingual("Manque", "Missing"),
    "colon": Bilingual("\N{NARROW NO-BREAK SPACE}:", ":"),
    "departures": Bilingual("Dérogations motivées", "Departures, with their justification"),
    "rule": Bilingual("Règle", "Rule"),
    "justification": Bilingual("Motif", "Justification"),
    "decision": Bilingual("Décision", "Decision"),
    "none": Bilingual("Aucune dérogation.", "There are no departures."),
    "verify": Bilingual("Vérifier ce rapport", "Checking this report"),
    "how": Bilingual(
        "Chaque numéro est la position d'une décision dans le journal signé. Le dossier de preuve"
        " contient ces décisions, la preuve de chacune et un programme qui les vérifie sans nous :",
        "Each number is the position of a decision in the signed log. The evidence bundle holds"
        " these decisions, the proof of each, and a program that checks them without us:",
    ),
    "how_enclosed": Bilingual(
        "Chaque numéro est la position d'une décision dans le journal signé ; elle se trouve dans"
        " events.ndjson, sa preuve dans proofs.ndjson. verifier.py vérifie les décisions, non ce"
        " rapport : il en découle, et se refait à partir d'elles (README.md).",
        "Each number is the position of a decision in the signed log; it is in events.ndjson, its"
        " proof in proofs.ndjson. verifier.py checks the decisions, not this report: it follows"
        " from them, and can be made from them again (README.md).",
    ),
    "illustrative": Bilingual(
        "Exemple : ce contrat contient des données imaginées.",
        "Example: this contract holds made-up data.",
    ),
}

COUNTED: Final[dict[State, Bilingual]] = {
    State.MET: Bilingual("respectées", "met"),
    State.MET_LATE: Bilingual("respectées en retard", "met late"),
    State.DEPARTED: Bilingual("avec dérogation motivée", "departed from, justified"),
    State.PENDING: Bilingual("à venir", "pending"),
    State.BROKEN: Bilingual("non respectées", "broken"),
}
"""How many requirements are answered so."""

CHAPTERS: Final[dict[str, Bilingual]] = {
    "1": Bilingual("Les spécificités", "What is particular"),
    "2": Bilingual("Les acteur-trice-s", "Who takes part"),
    "3": Bilingual("Les instances partenariales", "The bodies of the partnership"),
    "4.1": Bilingual("Promotion de l'initiative", "Promotion of the initiative"),
    "4.2": Bilingual("Du diagnostic aux projets", "From the diagnosis to projects"),
    "4.3": Bilingual("Établissement de la feuille de route", "Drawing up the roadmap"),
    "4.4": Bilingual("Suivi de la mise en œuvre", "Following up"),
    "4.5": Bilingual("La clôture et les suites", "Closure and after"),
}

_STATES: Final = {state.value: state for state in State}
_FINE: Final = {State.MET.value, State.PENDING.value}


@dataclass(frozen=True, slots=True)
class Report:
    """The report on a contract as one reader may read it, in one language.

    `answer`: the view's, texts joined. `decisions`: those that count, by position.
    """

    contract: ContractId
    language: Language
    answer: dict[str, Any]
    facts: Facts
    about: Overview
    decisions: dict[int, Recorded[Any]]
    known_at: dt.datetime | None

    def say(self, text: Bilingual) -> str:
        """In the report's language."""
        return text.to(self.language)

    def day(self, day: str | dt.date | None) -> str:
        """A day in words; nothing for none."""
        if isinstance(day, str):
            day = dt.date.fromisoformat(day)
        return "" if day is None else say(day, self.language)


def report_on(
    contract: ContractId,
    history: Sequence[Recorded[Any]],
    day: dt.date,
    *,
    reader: Role | None,
    language: Language,
    known_at: dt.datetime | None = None,
    valid_at: dt.date | None = None,
) -> Report:
    """The report on a contract as it stands on a day, from what was known and decided by then."""
    facts = fold(conformity, history, known_at=known_at, valid_at=valid_at)
    known = [each for each in history if known_at is None or each.recorded_at <= known_at]
    return Report(
        contract,
        language,
        _answer(facts, day, reader, language),
        facts,
        fold(overview, history, known_at=known_at, valid_at=valid_at),
        {each.position: each for each in effective(known, valid_at=valid_at)},
        known_at,
    )


def _answer(facts: Facts, day: dt.date, reader: Role | None, language: Language) -> dict[str, Any]:
    """The view's answer with its texts, as this reader may read them."""
    answer: dict[str, Any] = orjson.loads(
        render_json(conformity.answer(facts, day), reader=reader, language=language)
    )
    return answer


def report_files(
    contract: ContractId, reader: Role | None, history: Sequence[Recorded[Any]], day: dt.date
) -> dict[str, bytes]:
    """The report in each form and language, by the names that they have in a bundle."""
    files = {}
    folded = report_on(contract, history, day, reader=reader, language="fr")
    for language in get_args(Language):
        answer = _answer(folded.facts, day, reader, language)
        report = replace(folded, language=language, answer=answer)
        files[f"conformity.{language}.html"] = as_page(report, enclosed=True)
        files[f"conformity.{language}.csv"] = as_csv(report)
    return files


# --- As CSV -------------------------------------------------------------------------------------


def as_csv(report: Report) -> bytes:
    """A line for each requirement (RFC 4180, UTF-8)."""
    written = io.StringIO(newline="")
    # Excel takes a file without the mark for one in its country's old encoding.
    written.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for each in report.answer["requirements"]:
        lines.writerow(map(harmless, _cells(each, report)))
    return written.getvalue().encode()


def _cells(each: dict[str, Any], report: Report) -> tuple[str, ...]:
    return (
        each["id"],
        each["basis"],
        each[report.language],
        each["state"],
        report.say(_STATES[each["state"]].label),
        " ".join(said[report.language] for said in each["because"]),
        each["due"] or "",
        each["decided_on"] or "",
        " ".join(map(str, each["positions"])),
        " ".join(each["missing"]),
        "\n".join(
            f"{departure['rule']} ({departure['position']}): {departure['justification']}"
            for departure in each["departures"]
        ),
    )


# --- As a page ----------------------------------------------------------------------------------


def as_page(report: Report, *, enclosed: bool = False) -> bytes:
    """Plain HTML. `enclosed`: it lies in a bundle, beside the decisions, and links to nothing."""
    requirements = [_row(each, report) for each in report.answer["requirements"]]
    page = render_to_string(
        "api/conformity.html",
        {
            "language": report.language,
            "say": {name: report.say(label) for name, label in LABELS.items()},
            "enclosed": enclosed,
            "contract": report.contract,
            "title": report.about.title or report.contract,
            "illustrative": report.about.illustrative,
            "about": [(report.say(LABELS[name]), value) for name, value in _about(report)],
            "counts": [
                (state.value, report.say(label), count)
                for state, label in COUNTED.items()
                if (count := report.answer["counts"].get(state.value))
            ],
            "attention": [each for each in requirements if each["state"] not in _FINE],
            "chapters": [
                (basis, report.say(CHAPTERS[basis]), list(asked))
                for basis, asked in groupby(requirements, key=_chapter)
            ],
            "departures": [
                {**each, "shown": _decision(each["position"], report)}
                for each in report.answer["departures"]
            ],
        },
    )
    return page.encode()


def _about(report: Report) -> Iterator[tuple[str, str]]:
    """What the report is on, and as of when: label and value."""
    facts, about, answer = report.facts, report.about, report.answer
    framework = FRAMEWORKS.get(answer["framework"])
    yield "contract", report.contract
    if about.territory:
        yield "territory", about.territory
    yield "standing", report.say(about.standing.label)
    for name in ("initiated", "launched", "ended"):
        found = getattr(facts, name)
        if found:
            yield name, report.day(found.decided_on)
    yield "framework", report.say(framework.title) if framework else answer["framework"]
    yield "decisions", str(len(report.decisions))
    yield "on", report.day(answer["on"])
    if report.known_at:
        yield "known_at", report.known_at.isoformat()


def _chapter(row: dict[str, Any]) -> str:
    basis: str = row["basis"]
    return basis if basis in CHAPTERS else basis[:1]


def _row(each: dict[str, Any], report: Report) -> dict[str, Any]:
    return {
        **each,
        "sentence": each[report.language],
        "name": report.say(_STATES[each["state"]].label),
        "because": [said[report.language] for said in each["because"]],
        "due": report.day(each["due"]),
        "shown": [_decision(position, report) for position in each["positions"]],
    }


def _decision(position: int, report: Report) -> dict[str, Any]:
    """A decision that something rests on, as it is called."""
    recorded = report.decisions.get(position)
    return {
        "position": position,
        "day": report.day(recorded.act.decided_on) if recorded else "",
        "label": report.say(recorded.decision.label()) if recorded else "",
    }
