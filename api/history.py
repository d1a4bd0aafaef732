"""A contract's decisions in the order they were recorded, with everything that belongs to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.answers import page_after, recorded_json, versioned
from api.asking import KNOWN_AT, LIMIT, VALID_AT, after, whole
from api.endpoint import Answer, Endpoint, django_request, operation
from api.problems import NOT_FOUND
from domain.history import Correction
from domain.values import Bilingual
from infra.contracts import history_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.decision import Recorded
    from domain.values import ContractId


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
            shown = [
                entry
                for entry in _entries(history, asked["known_at"], asked["valid_at"])
                if entry["version"] > start
            ]
            results = shown[:limit]
            following = results[-1]["version"] if len(shown) > limit else None
            return {"next": page_after(http, following), "results": results}

        return versioned(self, http, history[-1].version, page)


def _entries(
    history: list[Recorded[Any]], known_at: dt.datetime | None, valid_at: dt.date | None
) -> Iterator[dict[str, Any]]:
    """Each decision as recorded; `corrected_by` is the position of its last known correction."""
    known = [r for r in history if known_at is None or r.recorded_at <= known_at]
    corrections = {
        r.decision.position: r.position for r in known if isinstance(r.decision, Correction)
    }
    for recorded in known:
        if valid_at is None or recorded.act.decided_on <= valid_at:
            yield {
                **recorded_json(recorded),
                "name": recorded.decision.label()._asdict(),
                "corrected_by": corrections.get(recorded.position),
            }
