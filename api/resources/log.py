"""The transparency log over HTTP, and the proofs that are made from it.

    GET /log/checkpoint                        the signed note over the newest tree
    GET /log/key                               the public keys that have signed it, one a line
    GET /log/tile/<L>/<N>[.p/<W>]              hashes
    GET /log/tile/entries/<N>[.p/<W>]          entries, as they are hashed

Those are C2SP tlog-tiles, byte for byte, for whatever program knows that specification. A tile of
a given width never changes; one that is wider than the sealed tree has it is not there yet.
"""

from __future__ import annotations

import gzip
from functools import partial, wraps
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path

from api.http import exception_handler, problems
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.limits import ConcurrencyLimit
from api.http.negotiation import takes_gzip
from api.http.query import Parameter, Unreadable, refuse, whole
from api.http.responses import (
    FOR_EVER,
    NO_CACHE,
    VARIES,
    answered,
    is_current,
    not_modified,
    without_content,
)
from api.resources.report import report_files
from domain.kernel.values import Bilingual
from infra.database.connection import cursor
from infra.evidence.bundle import BeyondTheEnd, Evidence, evidence_of
from infra.log import tiles
from infra.log.merkle import MAX_LEVEL, Tile, parse_index_path
from infra.log.proofs import NoSuchPosition, NotSealed, Proof, proof
from infra.log.sealing import wait_until_sealed

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

    from domain.kernel.values import ContractId

    View = Callable[..., HttpResponse]

BYTES: Final = "application/octet-stream"
TEXT: Final = "text/plain; charset=utf-8"
ZIP: Final = "application/zip"

BUNDLES: Final = ConcurrencyLimit("evidence", 4)
"""Each takes up to a second of work, and may hold a document in memory while it is sent."""

# --- The log itself -----------------------------------------------------------------------------


def _static(view: View) -> View:
    """An address that can be read and nothing else; what goes wrong is a problem."""

    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: str) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return problems.answer(request, problems.method_not_allowed(["GET", "HEAD"]))
        try:
            return view(request, **kwargs)
        except Exception as error:  # noqa: BLE001 - the one place where they become answers
            return problems.answer(request, exception_handler.problem_of(error))

    return guarded


def _not_there() -> problems.Problem:
    return problems.not_found(
        Bilingual("Le journal n'a pas cette ressource.", "The log does not have this resource.")
    )


@_static
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The signed note over the newest tree, cosignatures included."""
    sealed = tiles.latest(cursor())
    if sealed is None:
        raise _not_there()
    headers = {"ETag": f'"{sealed.size}-{len(sealed.lines)}"', "Cache-Control": NO_CACHE}
    if is_current(request, headers["ETag"]):
        return not_modified(headers)
    return HttpResponse(str(sealed.note()).encode(), content_type=TEXT, headers=headers)


@_static
def key(_request: HttpRequest) -> HttpResponse:
    """The log's public keys that have signed the newest checkpoint, one a line."""
    sealed = tiles.latest(cursor())
    if sealed is None:
        raise _not_there()
    content = "".join(f"{each}\n" for each in sealed.keys)
    return HttpResponse(content.encode(), content_type=TEXT, headers={"Cache-Control": NO_CACHE})


@_static
def hash_tile(_request: HttpRequest, level: str, index: str) -> HttpResponse:
    """A tile of hashes."""
    tile = _tile(level, index)
    return _for_ever(tiles.read_tile(cursor(), tile))


@_static
def entries(request: HttpRequest, index: str) -> HttpResponse:
    """A bundle of entries, compressed for whoever takes that."""
    tile = _tile("0", index)
    bundle = tiles.read_entries(cursor(), tile.index, tile.width)
    response = _for_ever(bundle)
    response["Vary"] = "Accept-Encoding"
    if takes_gzip(request):
        response.content = gzip.compress(bundle, 6, mtime=0)
        response["Content-Encoding"] = "gzip"
    return response


_LEVELS: Final = frozenset(map(str, range(MAX_LEVEL + 1)))


def _tile(level: str, index: str) -> Tile:
    """The tile that an address names, if the sealed tree has it."""
    found = parse_index_path(index)
    if found is None or level not in _LEVELS:
        raise _not_there()
    tile = Tile(int(level), *found)
    if not tile.within(tiles.sealed_size(cursor())):
        raise _not_there()
    return tile


def _for_ever(content: bytes) -> HttpResponse:
    return HttpResponse(content, content_type=BYTES, headers={"Cache-Control": FOR_EVER})


urlpatterns: list[URLPattern] = [
    path("log/checkpoint", checkpoint),
    path("log/key", key),
    path("log/tile/entries/<path:index>", entries),
    path("log/tile/<str:level>/<path:index>", hash_tile),
]

# --- Proofs -------------------------------------------------------------------------------------


class DecisionProof(Endpoint):
    """That the log has a decision: a file which shows it offline.

    Where `Accept` prefers `text/plain`, as C2SP tlog-proof.
    """

    @operation(
        Bilingual("La preuve d'une décision", "The proof of a decision"),
        Answer({"type": "object"}),
        Answer({"type": "string"}, media_type=TEXT),
        problems=(problems.NOT_FOUND, problems.UNAVAILABLE),
    )
    def get(self, request: Request, position: int) -> HttpResponse:
        headers = {"Cache-Control": NO_CACHE, "Vary": "Accept"}
        try:
            found = _proof(position)
        except NoSuchPosition:
            raise problems.not_found(
                Bilingual(
                    f"Aucune décision n'est à la position {position}.",
                    f"No decision is at position {position}.",
                )
            ) from None
        except NotSealed:
            raise _not_yet() from None
        if request.accepted_media_type == TEXT:
            return HttpResponse(found.as_text().encode(), content_type=TEXT, headers=headers)
        return answered(found.as_json(), headers=headers)


def _proof(position: int) -> Proof:
    """The proof, if need be once the decision is sealed: it may just have been recorded."""
    try:
        return proof(cursor(), position)
    except NotSealed:
        wait_until_sealed(cursor(), position)
        return proof(cursor(), position)


KEPT: Final = Parameter(
    "kept",
    whole(0, 10**18 - 1),
    {"type": "integer", "minimum": 0},
    Bilingual(
        "Taille d'un point de contrôle gardé, que le journal doit prolonger.",
        "Size of a checkpoint that was kept, which the log must extend.",
    ),
)


class EvidenceBundle(Endpoint):
    """Everything that is needed to check a contract offline, in one zip."""

    @operation(
        Bilingual("Le dossier de preuve", "The evidence bundle"),
        Answer({"type": "string", "format": "binary"}, media_type=ZIP, headers=("ETag",)),
        parameters=(KEPT,),
        problems=(problems.NOT_FOUND, problems.UNAVAILABLE),
    )
    def get(self, request: Request, contract: ContractId) -> HttpResponseBase:
        try:
            found = evidence_of(
                contract, reader=self.reader, language=self.language, kept=self.asked["kept"]
            )
        except NotSealed:
            raise _not_yet() from None
        except BeyondTheEnd as error:
            said = f"Lies beyond the end of the log, {error.size}."
            raise refuse("kept", Unreadable("beyond_the_end", said, end=error.size)) from None
        headers = {
            "ETag": f'"{found.tag}"',
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'attachment; filename="{contract}-evidence.zip"',
            "Vary": VARIES,
        }
        if is_current(django_request(request), headers["ETag"]):
            return not_modified(headers)
        if request.method == "HEAD":
            return without_content(headers, ZIP)
        return self._bundle(found, headers)

    @BUNDLES.until_sent
    def _bundle(self, found: Evidence, headers: dict[str, str]) -> HttpResponseBase:
        pieces = found.bundle(partial(report_files, found.contract, self.reader))
        return StreamingHttpResponse(pieces, content_type=ZIP, headers=headers)


def _not_yet() -> problems.Problem:
    return problems.Problem(
        problems.UNAVAILABLE,
        Bilingual(
            "Cette décision n'est pas encore scellée ; elle l'est d'ordinaire en une seconde.",
            "This decision is not sealed yet; it usually is within a second.",
        ),
        headers={"Retry-After": "1"},
    )
