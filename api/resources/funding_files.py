"""The ledger to take away: what it is asked, as one file instead of pages.

CSV is for programs: the names and values of the JSON, whatever the reader's language. XLSX is for
people: headings, accounts and services in words, sums that Excel can add, days it can sort.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.http import FileResponse
from django.utils.http import content_disposition_header

from api.http.endpoint import Answer, django_request, operation
from api.http.freshness import HEADER, shown_to
from api.http.limits import ConcurrencyLimit
from api.http.problems import NOT_FOUND
from api.http.responses import NO_CACHE, VARIES, address, instant, without_content
from api.http.spreadsheet import CSV, XLSX, Sheet, as_csv, as_xlsx, cells, columns_of
from api.resources.funding import QUESTIONS, Funding, Question
from api.resources.words import label_of
from domain.kernel.values import Bilingual
from infra.conf.reference import reference
from projections.tables.ledger import Account, ledger
from projections.tables.ledger_sums import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

_HEADINGS: Final[dict[str, Bilingual]] = {
    "contract": Bilingual("Contrat", "Contract"),
    "credit": Bilingual("Crédit (de)", "Credit (from)"),
    "debit": Bilingual("Débit (vers)", "Debit (to)"),
    "kind": Bilingual("Genre de financement", "Kind of route"),
    "position": Bilingual("Position au journal", "Position in the log"),
    "route": Bilingual("Financement n°", "Route no."),
    "seq": Bilingual("Écriture n°", "Entry no."),
    "title": Bilingual("Titre de l'action", "Title of the action"),
    "year": Bilingual("Exercice", "Accounting year"),
}
_MOVED: Final[dict[str, Bilingual]] = {
    "requested": Bilingual("demandé", "requested"),
    "voted": Bilingual("voté", "voted"),
    "enforceable": Bilingual("exécutoire ou budgété", "enforceable or budgeted"),
}
_HELD: Final[dict[str, Bilingual]] = {
    "enforceable": Bilingual("exécutoire, en tout", "enforceable, in all"),
}
_ACCOUNTS: Final = {account.value: account.label for account in Account}


def _heading(column: str) -> Bilingual:
    """What people call a column: an account by its name, anything else as on a form."""
    within, _, name = column.rpartition("_")
    if within == "moved":
        return _sum("Mouvement", "Moved", _MOVED.get(name) or _ACCOUNTS[name])
    name = name if within == "held" else column
    if held := _HELD.get(name) or _ACCOUNTS.get(name):
        return _sum("Solde", "Balance", held)
    return _HEADINGS.get(column) or label_of(column)


def _sum(fr: str, en: str, account: Bilingual) -> Bilingual:
    return Bilingual(f"{fr} : {account.fr} (CHF)", f"{en}: {account.en} (CHF)")


TITLES: Final = {
    "ledger": Bilingual("Soldes", "Balances"),
    "entries": Bilingual("Écritures", "Entries"),
    "sums": Bilingual("Sommes", "Sums"),
}


def _sheet(endpoint: Funding, request: HttpRequest) -> Sheet:
    """What the file shows. Columns that sums were not asked by are left out."""
    question, asked = endpoint.question, endpoint.asked
    hidden = set(GROUPS) - set(asked["by"]) if "by" in asked else set()
    known_at = asked["known_at"] or dt.datetime.now(dt.UTC)
    columns = [name for name in columns_of(question.row) if name not in hidden]
    return Sheet(
        TITLES[question.name],
        columns,
        {column: _heading(column) for column in columns},
        {"service": {each.id: Bilingual(each.fr, each.en) for each in reference().services}},
        notes=(
            (Bilingual("Contenu", "Content"), question.summary.to(endpoint.language)),
            (Bilingual("État au", "As of"), endpoint.day.isoformat()),
            (Bilingual("Connu le", "Known at"), instant(known_at)),
            (Bilingual("Adresse", "Address"), address(request.get_full_path())),
        ),
    )


def _called(endpoint: Funding, ending: str) -> str:
    """What the file is called when it is saved."""
    parts = (endpoint.question.name, endpoint.asked["contract"], endpoint.day.isoformat())
    return f"{'-'.join(filter(None, parts))}.{ending}"


CSV_FILES: Final = ConcurrencyLimit("csv", 4)
XLSX_FILES: Final = ConcurrencyLimit("xlsx", 2)
"""One of the whole ledger takes seconds of work."""

_FORMS: Final = {"csv": (CSV, as_csv, CSV_FILES), "xlsx": (XLSX, as_xlsx, XLSX_FILES)}


def _file(question: Question, form: str) -> type[Funding]:
    """The address of a question's answer as a file."""
    media_type, write, limit = _FORMS[form]

    @operation(
        Bilingual(
            f"{question.summary.fr}, en {form.upper()}", f"{question.summary.en}, as {form.upper()}"
        ),
        Answer(
            {"type": "string"} | ({"format": "binary"} if form == "xlsx" else {}),
            media_type=media_type.partition(";")[0],
            headers=(HEADER,),
        ),
        parameters=question.parameters,
        problems=(NOT_FOUND,),
    )
    def get(self: Funding, request: Request) -> HttpResponseBase:
        http = django_request(request)
        position = shown_to(self.account, ledger.name)
        sheet, rows, called = _sheet(self, http), self.find(), _called(self, form)
        headers = {
            "Content-Disposition": content_disposition_header(True, called) or "",  # noqa: FBT003
            "Cache-Control": NO_CACHE,
            "Vary": VARIES,
            "Content-Language": self.language,
            HEADER: str(position),
        }
        if http.method == "HEAD":
            return without_content(headers, media_type)
        return sent(self, sheet, rows, headers)

    @limit.until_sent
    def sent(
        self: Funding, sheet: Sheet, rows: Iterable[Any], headers: dict[str, str]
    ) -> HttpResponseBase:
        read = cells(question.row, sheet.columns)
        file = write(sheet, map(read, rows), self.language)
        return FileResponse(file, content_type=media_type, headers=headers)

    about = f"{question.summary.en}: all of it, as one file."
    name = f"{question.name.title()}{form.title()}"
    return type(name, (Funding,), {"__doc__": about, "question": question, "get": get})


FILES: Final[dict[str, type[Any]]] = {
    f"{question.name}.{form}": _file(question, form) for question in QUESTIONS for form in _FORMS
}
"""The addresses, by the last part of each."""
