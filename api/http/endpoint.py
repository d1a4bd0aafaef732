"""What every address of the API has in common: who may ask, for what, and what it answers.

A view says so once, beside its code:

    class Ledger(Endpoint):
        @operation(
            Bilingual("Soldes par action", "Balances by action"),
            answer=Answer("Ledger"),
            parameters=(CONTRACT, LIMIT),
        )
        def get(self, request: Request) -> HttpResponse: ...

From that follow the reading of the query, the permissions and the entry in OpenAPI.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from django.http import HttpResponse
from rest_framework.views import APIView

from api.http import exception_handler, problems
from api.http.authentication import authenticate
from api.http.language import language_of
from api.http.negotiation import media_type_of
from api.http.query import ask
from domain.kernel.values import Bilingual
from infra.vault import render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

    from api.http.query import Parameter
    from domain.kernel.values import Language
    from infra.accounts import Account, Role


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer, as OpenAPI describes it.

    schema: the name of one of `components/schemas`, or a schema; None if there is no body.
    """

    schema: str | dict[str, Any] | None
    status: HTTPStatus = HTTPStatus.OK
    media_type: str = "application/json"
    headers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address.

    answers: its successful answers.
    parameters: what its query may say; nothing else is taken.
    roles: who may use it; None for everybody, with or without a token.
    body: the media types of its body, each with its schema or the name of one.
    problems: statuses it can answer with besides those that every address has.
    """

    summary: Bilingual
    answers: Sequence[Answer]
    parameters: Sequence[Parameter] = ()
    roles: frozenset[Role] | None = None
    body: dict[str, str | dict[str, Any]] = field(default_factory=dict)
    headers: Sequence[str] = ()
    problems: Sequence[problems.Kind] = ()


Handler = TypeVar("Handler", bound="Callable[..., HttpResponseBase]")


def operation(
    summary: Bilingual,
    *answers: Answer,
    parameters: Sequence[Parameter] = (),
    roles: frozenset[Role] | None = None,
    body: dict[str, str | dict[str, Any]] | None = None,
    headers: Sequence[str] = (),
    problems: Sequence[problems.Kind] = (),
) -> Callable[[Handler], Handler]:
    """Say what a method of an endpoint does; its arguments are the fields of `Operation`."""

    def declare(handler: Handler) -> Handler:
        handler.operation = Operation(  # type: ignore[attr-defined]
            summary, answers, parameters, roles, body or {}, headers, problems
        )
        return handler

    return declare


class Endpoint(APIView):
    """One address of the API.

    While a request is answered: `account` is who asks (None: nobody), `asked` what the query
    says, `language` the reader's.
    """

    account: Account | None = None
    asked: dict[str, Any]
    language: Language = "fr"

    @property
    def reader(self) -> Role | None:
        """The role that texts and identities are shown to."""
        return None if self.account is None else self.account.role

    @property
    def allowed_methods(self) -> list[str]:
        """What `Allow` says."""
        methods = [name.upper() for name in ("get", "post") if hasattr(self, name)]
        if "GET" in methods:
            methods.insert(1, "HEAD")
        return [*methods, "OPTIONS"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Before the method itself: who asks, whether he may, and for what."""
        self.language = language_of(request._request)  # noqa: SLF001 - REST framework's wrapper
        if (method := (request.method or "").lower()) == "options":
            return
        handler = getattr(self, method, None)
        if handler is None or method not in self.http_method_names:
            raise problems.method_not_allowed(self.allowed_methods)
        declared: Operation = handler.operation
        self.account = authenticate(request._request)  # noqa: SLF001
        if self.account is not None:
            request._request.account = self.account.name  # type: ignore[attr-defined] # noqa: SLF001
        if declared.roles is not None:
            self._demand(declared.roles)
        self.asked = ask(request._request, declared.parameters)  # noqa: SLF001
        _, request.accepted_media_type = self.perform_content_negotiation(request)

    def _demand(self, roles: frozenset[Role]) -> None:
        if self.account is None:
            raise problems.unauthenticated()
        if self.account.role not in roles:
            raise problems.not_for_role(self.account.role, sorted(roles, key=str))

    def options(self, *_args: Any, **_kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """The methods of this address."""
        answer = HttpResponse(
            status=HTTPStatus.NO_CONTENT, headers={"Allow": ", ".join(self.allowed_methods)}
        )
        del answer["Content-Type"]
        return answer

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Whatever went wrong becomes a problem; what it quotes, as this reader may read it."""
        problem = exception_handler.problem_of(exc)
        try:
            problem.more = render(problem.more, reader=self.reader, language=self.language)
        except Exception as error:  # noqa: BLE001 - whatever keeps texts from being read
            problem = exception_handler.problem_of(error)
        return problems.answer(self.request._request, problem)  # noqa: SLF001 - see below

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """The media type that is preferred among those of the answers declared; or the first."""
        method = "get" if request.method == "HEAD" else (request.method or "").lower()
        offered = tuple(each.media_type for each in self.operations()[method].answers)
        if len(set(offered)) == 1:
            return None, offered[0]
        return None, media_type_of(django_request(request), offered)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: what is answered says what it needs."""
        return {}

    @classmethod
    def operations(cls) -> dict[str, Operation]:
        """What it declares, by method in lower case."""
        return {
            method: getattr(cls, method).operation
            for method in ("get", "post")
            if hasattr(cls, method)
        }


def django_request(request: Request) -> HttpRequest:
    """The request that REST framework wraps."""
    return request._request  # noqa: SLF001 - it has no public name
