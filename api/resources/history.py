"""A contract's decisions in the order they were recorded, with everything that belongs to each."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.problems import NOT_FOUND
from api.http.query import KNOWN_AT, LIMIT, VALID_AT, after, whole
from api.http.responses import page_after, recorded_json, versioned
from domain.kernel.values import Bilingual
from infra.eventstore.repository import history_of
from projections.engine.projection import corrects

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId


class History(Endpoint):
    """Who decided what, when, on what basis and evidence, and what was departed from."""

    @operation(
        Bilingual("Les décisions, dans l'ordre", "The decisions, in order"),
        Answer("HistoryEntryPage", headers=("ETag",)),
        parameters=(KNOWN_AT, VALID_AT, after(whole(0, 2**31 - 1)), LIMIT),
        problems=(NOT_FOUND,),
    )
    def get(self, request: Request, contract: ContractId) -> HttpResponse:
        http, asked = django_request(request), self.asked
        history = history_of(contract)
        limit, start = asked["limit"], asked["after"] or 0

        def page() -> dict[str, Any]:
            known = _known(history, asked["known_at"])
            shown = list(islice(_decided(known[start:], asked["valid_at"]), limit + 1))
            results = shown[:limit]
            following = results[-1].version if len(shown) > limit else None
            return {"next": page_after(http, following), "results": list(_told(results, known))}

        return versioned(self, http, history[-1].version, page)


def _known(
    history: Sequence[Recorded[Any]], known_at: dt.datetime | None
) -> Sequence[Recorded[Any]]:
    """What had been recorded by an instant: the decision of version n stands at n - 1."""
    return history if known_at is None else [r for r in history if r.recorded_at <= known_at]


def _decided(history: Iterable[Recorded[Any]], valid_at: dt.date | None) -> Iterator[Recorded[Any]]:
    return (r for r in history if valid_at is None or r.act.decided_on <= valid_at)


def _told(
    page: Iterable[Recorded[Any]], known: Iterable[Recorded[Any]]
) -> Iterator[dict[str, Any]]:
    """Each decision as recorded; `corrected_by` is the position of its last known correction."""
    corrections = {r.decision.position: r.position for r in known if corrects(type(r.decision))}
    for recorded in page:
        yield {
            **recorded_json(recorded),
            "name": recorded.decision.label()._asdict(),
            "corrected_by": corrections.get(recorded.position),
        }
