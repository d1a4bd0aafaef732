"""The conformity report to take away: as CSV for a spreadsheet, as a page to print.

Both are addresses of their own beside the JSON of `/conformity`, so that a link says which one it
leads to; they answer what it answers, under the same permissions and as of the same dates.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.http import HttpResponse
from django.template.loader import render_to_string

from api.answers import NO_CACHE, VARIES, etag_of, is_current, joined, not_modified
from api.asking import KNOWN_AT, VALID_AT
from api.endpoint import Answer, Endpoint, django_request, operation
from api.problems import NOT_FOUND
from api.spreadsheet import harmless
from api.views import day_of
from domain.framework import FRAMEWORKS
from domain.rule import say
from domain.values import Bilingual
from infra.contracts import history_of
from projections.conformity import conformity
from projections.overview import overview
from projections.requirement import State
from projections.view import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rest_framework.request import Request

    from domain.decision import Recorded
    from domain.values import ContractId, Language

COLUMNS: Final = (
    *("requirement", "paragraph", "asks_for", "state", "state_name", "due", "decided_on"),
    *("positions", "missing", "departures"),
)
"""Of the CSV; the same whatever the reader's language."""

LABELS: Final[dict[str, Bilingual]] = {
    "report": Bilingual("Rapport de conformité", "Conformity report"),
    "on": Bilingual("État au", "As of"),
    "known_at": Bilingual("d'après ce qui était enregistré le", "from what had been recorded by"),
    "framework": Bilingual("Jugé selon", "Judged under"),
    "summary": Bilingual("En bref", "In short"),
    "requirement": Bilingual("Exigence", "Requirement"),
    "state": Bilingual("Réponse", "Answer"),
    "due": Bilingual("Échéance", "Due"),
    "shown_by": Bilingual("Décisions qui le montrent", "Decisions that show it"),
    "paragraph": Bilingual("Cadre, §", "Framework, §"),
    "missing": Bilingual("Manque", "Missing"),
    "departures": Bilingual("Dérogations motivées", "Departures, with their justification"),
    "rule": Bilingual("Règle", "Rule"),
    "justification": Bilingual("Motif", "Justification"),
    "decision": Bilingual("Décision", "Decision"),
    "none": Bilingual("Aucune dérogation.", "There are no departures."),
    "how": Bilingual(
        "Les numéros sont les positions des décisions dans le journal ; chacune peut être"
        " vérifiée.",
        "Numbers are the positions of decisions in the log; each can be verified.",
    ),
    "illustrative": Bilingual(
        "Exemple : ce contrat contient des données imaginées.",
        "Example: this contract holds made-up data.",
    ),
}

_STATES: Final = {state.value: state for state in State}

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The page loads nothing and runs nothing."""


class Report(Endpoint):
    """The conformity of a contract, written for somebody."""

    def written(
        self,
        request: Request,
        contract: ContractId,
        write: Callable[[dict[str, Any], Sequence[Recorded[Any]]], bytes],
        **headers: str,
    ) -> HttpResponse:
        """The report as `write` has it; 404 before the contract began."""
        http, asked = django_request(request), self.asked
        history = history_of(contract)
        day = day_of(history, asked["known_at"], asked["valid_at"])
        etag = etag_of(len(history), day.isoformat(), self.language)
        said = {
            "ETag": etag,
            "Cache-Control": NO_CACHE,
            "Vary": VARIES,
            "Content-Language": self.language,
            **headers,
        }
        if is_current(http, etag):
            return not_modified(said)
        doc = fold(conformity, history, known_at=asked["known_at"], valid_at=asked["valid_at"])
        answer = joined(self, orjson.loads(conformity.answer(doc, day)))
        return HttpResponse(write(answer, history), headers=said)


class ConformityCsv(Report):
    """The conformity report as CSV (RFC 4180, UTF-8): a line for each requirement."""

    @operation(
        Bilingual("La conformité, en CSV", "Conformity, as CSV"),
        Answer({"type": "string"}, media_type="text/csv", headers=("ETag",)),
        parameters=(KNOWN_AT, VALID_AT),
        problems=(NOT_FOUND,),
    )
    def get(self, request: Request, contract: ContractId) -> HttpResponse:
        """The file."""
        return self.written(
            request,
            contract,
            lambda answer, _: _csv(answer, self.language),
            **{
                "Content-Type": "text/csv; charset=utf-8; header=present",
                "Content-Disposition": f'attachment; filename="{contract}-conformity.csv"',
            },
        )


class ConformityPage(Report):
    """The conformity report as a page to print: plain HTML, in French or in English."""

    @operation(
        Bilingual("La conformité, à imprimer", "Conformity, to print"),
        Answer({"type": "string"}, media_type="text/html", headers=("ETag",)),
        parameters=(KNOWN_AT, VALID_AT),
        problems=(NOT_FOUND,),
    )
    def get(self, request: Request, contract: ContractId) -> HttpResponse:
        """The page."""

        def write(answer: dict[str, Any], history: Sequence[Recorded[Any]]) -> bytes:
            at = {name: self.asked[name] for name in ("known_at", "valid_at")}
            about = fold(overview, history, **at)
            return _page(answer, contract, about, self.asked["known_at"], self.language)

        return self.written(
            request,
            contract,
            write,
            **{
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy": POLICY,
            },
        )


# --- As CSV -------------------------------------------------------------------------------------


def _csv(answer: dict[str, Any], language: Language) -> bytes:
    written = io.StringIO(newline="")
    # Excel takes a file without the mark for one in its country's old encoding.
    written.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for each in answer["requirements"]:
        lines.writerow(
            map(
                harmless,
                (
                    each["id"],
                    each["basis"],
                    each[language],
                    each["state"],
                    _STATES[each["state"]].label.to(language),
                    each["due"] or "",
                    each["decided_on"] or "",
                    " ".join(map(str, each["positions"])),
                    " ".join(each["missing"]),
                    "\n".join(
                        f"{departure['rule']} ({departure['position']}): "
                        + departure["justification"]
                        for departure in each["departures"]
                    ),
                ),
            )
        )
    return written.getvalue().encode()


# --- As a page ----------------------------------------------------------------------------------


def _page(
    answer: dict[str, Any],
    contract: ContractId,
    about: Any,
    known_at: dt.datetime | None,
    language: Language,
) -> bytes:
    def written(day: str | None) -> str:
        return "" if day is None else say(dt.date.fromisoformat(day), language)

    framework = FRAMEWORKS.get(answer["framework"])
    requirements = [
        {
            **each,
            "sentence": each[language],
            "name": _STATES[each["state"]].label.to(language),
            "due": written(each["due"]),
        }
        for each in answer["requirements"]
    ]
    departures = [
        {**each, "decided_on": written(each["decided_on"])} for each in answer["departures"]
    ]
    page = render_to_string(
        "api/conformity.html",
        {
            "language": language,
            "say": {name: label.to(language) for name, label in LABELS.items()},
            "contract": contract,
            "title": about.title or contract,
            "illustrative": about.illustrative,
            "on": written(answer["on"]),
            "known_at": known_at,
            "framework": framework.title.to(language) if framework else answer["framework"],
            "counts": [
                (state.value, state.label.to(language), answer["counts"].get(state.value, 0))
                for state in State
            ],
            "requirements": requirements,
            "departures": departures,
        },
    )
    return page.encode()
