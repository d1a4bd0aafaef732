"""The contracts: the register of them all, and beginning one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api import problems
from api.endpoint import Answer, Endpoint, django_request, operation
from api.recording import CAN_GO_WRONG, RECORDING, begin
from domain.values import Bilingual

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request


class Contracts(Endpoint):
    """The register of contracts; a new one begins here."""

    @operation(
        Bilingual("Commencer un contrat", "Begin a contract"),
        Answer("Recorded", status=problems.CREATED, headers=("ETag", "Location")),
        roles=RECORDING,
        body={"application/json": "SentContract"},
        headers=("Idempotency-Key",),
        problems=(*CAN_GO_WRONG, problems.EXISTS),
    )
    def post(self, request: Request) -> HttpResponse:
        return begin(self, django_request(request))
