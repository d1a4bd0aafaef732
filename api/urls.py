"""Every address, and what answers there."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from api.http import converters
from api.http.endpoint import Endpoint
from api.openapi.docs import AsyncApi, ProblemKind, Schema, pages
from api.resources import log
from api.resources.agenda import Calendar, Silences
from api.resources.changes import Changes
from api.resources.conformity import ConformityCsv, ConformityPage
from api.resources.contracts import Contracts
from api.resources.counterfactual import Counterfactual
from api.resources.decision_types import DecisionType, DecisionTypes
from api.resources.digest import FundingDigest
from api.resources.documents import Document, Documents
from api.resources.events import Event, Feed
from api.resources.funding import Entries, Ledger, Sums
from api.resources.funding_files import FILES
from api.resources.health import Live, Metrics, Ready
from api.resources.history import History
from api.resources.log import DecisionProof, EvidenceBundle
from api.resources.persons import Person, Persons
from api.resources.possibilities import Possibilities
from api.resources.recording import DecisionView
from api.resources.reference import ReferenceData
from api.resources.views import endpoint_of
from projections.catalogue import VIEWS

converters.register()

API: Final = "api/v1/"

ROUTES: Final[dict[str, type[Endpoint]]] = {
    f"{API}contracts": Contracts,
    f"{API}contracts/<key:contract>/decisions": Possibilities,
    f"{API}contracts/<key:contract>/decisions/<key:slug>": DecisionView,
    f"{API}contracts/<key:contract>/evidence.zip": EvidenceBundle,
    f"{API}contracts/<key:contract>/history": History,
    f"{API}contracts/<key:contract>/counterfactual": Counterfactual,
    f"{API}contracts/<key:contract>/conformity.csv": ConformityCsv,
    f"{API}contracts/<key:contract>/conformity.html": ConformityPage,
    f"{API}contracts/<key:contract>/<key:view>/changes": Changes,
    **{
        f"{API}contracts/<key:contract>" + ("" if name == "overview" else f"/{name}"): endpoint_of(
            view
        )
        for name, view in VIEWS.items()
    },
    f"{API}calendar": Calendar,
    f"{API}decision-types": DecisionTypes,
    f"{API}decision-types/<key:slug>": DecisionType,
    f"{API}documents": Documents,
    f"{API}documents/<digest:sha256>": Document,
    f"{API}events": Feed,
    f"{API}events/<position:position>": Event,
    f"{API}events/<position:position>/proof": DecisionProof,
    f"{API}funding/digest": FundingDigest,
    f"{API}funding/entries": Entries,
    f"{API}funding/ledger": Ledger,
    f"{API}funding/sums": Sums,
    **{f"{API}funding/{name}": endpoint for name, endpoint in FILES.items()},
    f"{API}persons": Persons,
    f"{API}persons/<person:person>": Person,
    f"{API}reference": ReferenceData,
    f"{API}silences": Silences,
    "api/asyncapi.yaml": AsyncApi,
    "api/problems/<key:name>": ProblemKind,
    "api/schema": Schema,
    "health/live": Live,
    "health/ready": Ready,
    "metrics": Metrics,
}
"""The endpoints by route: OpenAPI is made from the same table."""

urlpatterns: list[URLPattern] = [
    *(
        path(route, endpoint.as_view(), name=endpoint.__name__.lower())
        for route, endpoint in ROUTES.items()
    ),
    *log.urlpatterns,
    path("api/docs", pages),
    path("", RedirectView.as_view(url="/api/docs")),
]

handler400 = "api.http.exception_handler.bad_request"
handler403 = "api.http.exception_handler.permission_denied"
handler404 = "api.http.exception_handler.page_not_found"
handler500 = "api.http.exception_handler.server_error"
