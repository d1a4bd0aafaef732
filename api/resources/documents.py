"""Evidence, addressed by its content: sent as it is, or as a form with a file in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.http import FileResponse, HttpResponse
from pydantic import TypeAdapter, ValidationError

from api.http import problems
from api.http.body import demand_length, read_chunks
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.limits import ConcurrencyLimit
from api.http.query import Parameter
from api.http.responses import CREATED, FOR_EVER, answered, is_current, not_modified
from api.resources.recording import RECORDING, idempotency_key
from domain.kernel.characters import line_from
from domain.kernel.values import Bilingual, Title
from infra.recording import documents
from infra.recording.refusals import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

DOWNLOADS: Final = ConcurrencyLimit("document", 64)
"""Of open files: to be sent, they need no thread (`infra/web/bridge.py`)."""
MULTIPART: Final = "multipart/form-data"
OCTETS: Final = "application/octet-stream"
_FORM_OVERHEAD: Final = 64 * 1024

SHOWN_AS: Final = frozenset(
    {
        "application/geo+json",
        "application/json",
        "application/pdf",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "text/csv",
        "text/plain",
    }
)
"""Media types that are passed on as they were given; a browser runs nothing in them."""

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_TITLE: Final = TypeAdapter(Title)
_TITLE_LIMIT: Final = 120

TITLE: Final = Parameter(
    "title",
    str,
    {"type": "string", "minLength": 1, "maxLength": _TITLE_LIMIT},
    Bilingual("Nom court du document.", "A short name of the document."),
)


class Documents(Endpoint):
    """Keep a document. The same content is kept once, under the same address."""

    @operation(
        Bilingual("Déposer un document", "Hand in a document"),
        Answer("Document", CREATED, headers=("Location",)),
        parameters=(TITLE,),
        roles=RECORDING,
        headers=("Idempotency-Key",),
        body={
            OCTETS: {"type": "string", "format": "binary"},
            MULTIPART: {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "title": TITLE.schema,
                },
            },
        },
        problems=(problems.MALFORMED, problems.TOO_LARGE, problems.FIELDS, problems.KEY_REUSED),
    )
    def post(self, request: Request) -> HttpResponse:
        assert self.account is not None  # noqa: S101 - the operation demands a role
        http = django_request(request)
        key = idempotency_key(http)
        chunks, media_type, named = _sent(http)
        title = _title(self.asked["title"] or named or "document")
        kept = documents.keep(
            _not_empty(chunks), media_type=media_type, title=title, by=self.account.name, key=key
        )
        return answered(
            {
                "sha256": kept.sha256,
                "size": kept.size,
                "media_type": kept.media_type,
                "title": kept.title,
            },
            CREATED,
            {"Location": f"/api/v1/documents/{kept.sha256}", "Cache-Control": "no-store"},
        )


class Document(Endpoint):
    """A document: always the same bytes, to be saved and never run."""

    @operation(
        Bilingual("Un document", "A document"),
        Answer(
            {"type": "string", "format": "binary"},
            media_type="*/*",
            headers=("Cache-Control", "ETag"),
        ),
    )
    @DOWNLOADS.until_sent
    def get(self, request: Request, sha256: str) -> HttpResponseBase:
        known = documents.find(sha256)
        headers = {
            "ETag": f'"{sha256}"',
            "Cache-Control": FOR_EVER,
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        if known is not None and is_current(django_request(request), headers["ETag"]):
            return not_modified(headers)
        try:
            content = documents.read(sha256) if known is not None else None
        except FileNotFoundError:
            content = None
        if known is None or content is None:
            raise problems.not_found(
                Bilingual(
                    "Aucun document n'est conservé sous cette empreinte.",
                    "No document is kept under this digest.",
                )
            )
        return FileResponse(
            content,
            as_attachment=True,
            filename=known.title,
            content_type=known.media_type if known.media_type in SHOWN_AS else OCTETS,
            headers=headers,
        )


def _sent(request: HttpRequest) -> tuple[Iterable[bytes], str, str | None]:
    """The content, its media type, and the name it came with."""
    if (request.content_type or "") != MULTIPART:
        return read_chunks(request, documents.LARGEST), _media_type(request.content_type), None
    demand_length(request, documents.LARGEST + _FORM_OVERHEAD)
    files, fields = request.FILES, request.POST
    if list(files) != ["file"] or len(files.getlist("file")) != 1 or set(fields) - {"title"}:
        raise problems.malformed(
            Bilingual(
                "Le formulaire doit contenir un seul fichier, « file », et au plus « title ».",
                "The form must hold one file, `file`, and at most `title` beside it.",
            )
        )
    file: Any = files["file"]
    # A title that was given is examined; the file's own name was not made for here.
    title = fields.get("title") or line_from(file.name or "", _TITLE_LIMIT)
    return file.chunks(), _media_type(file.content_type), title


def _media_type(given: str | None) -> str:
    media_type = (given or "").lower()
    if not _MEDIA_TYPE.fullmatch(media_type) or media_type == "application/x-www-form-urlencoded":
        return OCTETS
    return media_type


def _title(given: str) -> str:
    try:
        return _TITLE.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        fault = FieldError("/title", first["type"], first["msg"], first.get("ctx", {}))
        raise InvalidFields([fault]) from None


def _not_empty(chunks: Iterable[bytes]) -> Iterable[bytes]:
    some = False
    for chunk in chunks:
        some = some or bool(chunk)
        yield chunk
    if not some:
        raise problems.malformed(Bilingual("Le document est vide.", "The document is empty."))
