"""The contracts: the register of them all, and beginning one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from api.http import problems
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.freshness import HEADER
from api.http.query import Parameter, Unreadable, one_of, refuse, words
from api.http.responses import CREATED
from api.http.tables import PAGING, listed
from api.resources.recording import CAN_GO_WRONG, RECORDING, begin
from domain.kernel.life_cycle import Standing
from domain.kernel.values import Bilingual
from projections.engine.keyset import Page
from projections.facts.phase import Phase
from projections.tables import register_queries
from projections.tables.register import register

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse
    from rest_framework.request import Request

_NUMBER: Final = r"-?\d{1,3}(?:\.\d{1,20})?"
"""Degrees. Maps write as many decimals as a double has."""


def _numbers(count: int) -> Callable[[str], tuple[float, ...]]:
    form = re.compile(",".join([_NUMBER] * count), re.ASCII)

    def read(text: str) -> tuple[float, ...]:
        if form.fullmatch(text):
            return tuple(map(float, text.split(",")))
        raise Unreadable("degrees", f"Must be {count} numbers of degrees, separated by commas.")

    return read


def _box(text: str) -> tuple[float, ...]:
    """West, south, east, north, in this order."""
    west, south, east, north = _numbers(4)(text)
    if west > east or south > north:
        raise Unreadable("box", "Must be west, south, east, north: the smaller degree first.")
    return west, south, east, north


def _choice(name: str, vocabulary: type[Standing | Phase], about: Bilingual) -> Parameter:
    terms = {str(term): term for term in vocabulary}
    read = one_of(*terms)
    return Parameter(name, lambda text: terms[read(text)], {"enum": list(terms)}, about)


Q: Final = Parameter(
    "q",
    words,
    {"type": "string", "minLength": 1, "maxLength": 200},
    Bilingual(
        "Mots cherchés dans les titres, lieux, rues, thèmes et actions.",
        "Words to look for in titles, places, streets, themes and actions.",
    ),
    examples=("préau",),
)
STANDING: Final = _choice(
    "standing", Standing, Bilingual("Seulement dans cet état.", "Only with this standing.")
)
PHASE: Final = _choice("phase", Phase, Bilingual("Seulement à cette étape.", "Only in this phase."))
BOX: Final = Parameter(
    "bbox",
    _box,
    {"type": "string", "pattern": f"^{','.join([_NUMBER] * 4)}$"},
    Bilingual(
        "Dont le cadre touche celui-ci : ouest, sud, est, nord (WGS 84).",
        "Whose bounding box meets this one: west, south, east, north (WGS 84).",
    ),
    examples=("6.14,46.20,6.16,46.22",),
)
AT: Final = Parameter(
    "at",
    _numbers(2),
    {"type": "string", "pattern": f"^{_NUMBER},{_NUMBER}$"},
    Bilingual(
        "Dont le périmètre contient ce point : longitude, latitude (WGS 84).",
        "Whose perimeter holds this point: longitude, latitude (WGS 84).",
    ),
    examples=("6.149,46.211",),
)


class Contracts(Endpoint):
    """The register of contracts; a new one begins here."""

    @operation(
        Bilingual("Le registre des contrats", "The register of contracts"),
        Answer("ContractPage", headers=(HEADER,)),
        parameters=(Q, STANDING, PHASE, BOX, AT, *PAGING),
    )
    def get(self, request: Request) -> HttpResponse:
        asked = self.asked
        if asked["at"]:
            return self._around(request, asked["at"])
        conditions: dict[str, Any] = {
            "standing": asked["standing"],
            "phase": asked["phase"],
            "box": asked["bbox"],
        }
        if asked["q"] is None:
            return listed(self, request, register, register_queries.contracts, **conditions)
        return listed(
            self, request, register, register_queries.search, words=asked["q"], **conditions
        )

    def _around(self, request: Request, point: tuple[float, float]) -> HttpResponse:
        for name in ("q", "standing", "phase", "bbox", "after"):
            if self.asked[name] is not None:
                raise refuse(name, Unreadable("with_at", "Cannot be asked together with `at`."))

        def at(cursor: None, limit: int) -> Page[register_queries.EntryOf]:
            return Page(register_queries.at(*point)[:limit], None)

        return listed(self, request, register, at)

    @operation(
        Bilingual("Commencer un contrat", "Begin a contract"),
        Answer("RecordedContractInitiated", CREATED, headers=("ETag", "Location")),
        roles=RECORDING,
        body={"application/json": "SentContractInitiated"},
        headers=("Idempotency-Key",),
        problems=(*CAN_GO_WRONG, problems.EXISTS),
    )
    def post(self, request: Request) -> HttpResponse:
        return begin(self, django_request(request))
