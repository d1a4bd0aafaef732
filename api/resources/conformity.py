"""The conformity report to take away: as CSV for a spreadsheet, as a page to print.

Both are addresses of their own beside the JSON of `/conformity`, so that a link says which one it
leads to; they answer what it answers, under the same permissions and as of the same dates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import HttpResponse

from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.problems import NOT_FOUND
from api.http.query import KNOWN_AT, VALID_AT
from api.http.responses import is_current, not_modified, own_caching, without_content
from api.resources.report import Report, as_csv, as_page, report_on
from api.resources.views import day_of
from domain.kernel.values import Bilingual
from infra.eventstore.repository import history_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rest_framework.request import Request

    from domain.kernel.values import ContractId

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The page loads nothing and runs nothing."""


class _Written(Endpoint):
    """The conformity of a contract, written for somebody."""

    def written(
        self,
        request: Request,
        contract: ContractId,
        write: Callable[[Report], bytes],
        **headers: str,
    ) -> HttpResponse:
        """The report as `write` has it; 404 before the contract began."""
        http, asked = django_request(request), self.asked
        history = history_of(contract)
        day = day_of(history, asked["known_at"], asked["valid_at"])
        said = {
            **own_caching(self, len(history), day.isoformat()),
            "Content-Language": self.language,
            **headers,
        }
        if is_current(http, said["ETag"]):
            return not_modified(said)
        if http.method == "HEAD":
            return without_content(said)
        at = {name: asked[name] for name in ("known_at", "valid_at")}
        report = report_on(contract, history, day, reader=self.reader, language=self.language, **at)
        return HttpResponse(write(report), headers=said)


class ConformityCsv(_Written):
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
            as_csv,
            **{
                "Content-Type": "text/csv; charset=utf-8; header=present",
                "Content-Disposition": f'attachment; filename="{contract}-conformity.csv"',
            },
        )


class ConformityPage(_Written):
    """The conformity report as a page to print: plain HTML, in French or in English."""

    @operation(
        Bilingual("La conformité, à imprimer", "Conformity, to print"),
        Answer({"type": "string"}, media_type="text/html", headers=("ETag",)),
        parameters=(KNOWN_AT, VALID_AT),
        problems=(NOT_FOUND,),
    )
    def get(self, request: Request, contract: ContractId) -> HttpResponse:
        """The page."""
        return self.written(
            request,
            contract,
            as_page,
            **{
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy": POLICY,
            },
        )
