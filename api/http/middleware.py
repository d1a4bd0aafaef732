"""Around every request: its id, one line in the log, one observation for the metrics.

The line says what was asked and answered, by ids: never a body, a token or a query.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpResponse
from django.middleware.locale import LocaleMiddleware
from prometheus_client import Counter, Histogram

from api.http import exception_handler, problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class _StandardError:
    """Where lines go: each whole, in one write, however many threads and processes there are."""

    def msg(self, line: bytes) -> None:
        """Write one line."""
        os.write(2, line + b"\n")

    info = msg


def _logger() -> Any:
    """As every other logger; in JSON without the standard library's detours, ten times as fast."""
    if settings.LOG_FORMAT != "json":
        return structlog.get_logger(__name__)
    return structlog.wrap_logger(
        _StandardError(),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps, option=orjson.OPT_SORT_KEYS),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    ).bind(logger=__name__)


log = _logger()

REQUESTS: Final = Counter(
    "quartier_http_requests_total", "Requests answered.", ("method", "route", "status")
)
SECONDS: Final = Histogram(
    "quartier_http_request_seconds",
    "Time to answer a request, up to its first byte.",
    ("method", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_NO_CONTENT: Final = {204, 304}
"""Statuses without a `Content-Length`: RFC 9110, section 8.6."""

_METHODS: Final = {"GET", "HEAD", "POST", "OPTIONS"}
_SOUND: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_QUIET: Final = {"health/live", "health/ready", "metrics"}
"""Routes that machines ask all the time: counted, not logged."""


class RequestLog:
    """Gives each request its id: that of `X-Request-ID` if it is a sound one, or a new one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.id = given if _SOUND.fullmatch(given) else str(uuid.uuid4())  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(request_id=request.id)  # type: ignore[attr-defined]
        try:
            response = self._answer(request)
            response.headers["X-Request-ID"] = request.id  # type: ignore[attr-defined]
            if (
                isinstance(response, HttpResponse)
                and response.status_code not in _NO_CONTENT
                and (response.content or request.method != "HEAD")
            ):
                response.headers.setdefault("Content-Length", str(len(response.content)))
            self._note(request, response, time.perf_counter() - started)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        try:
            request.get_host()
        except DisallowedHost as error:
            return problems.answer(request, exception_handler.problem_of(error))
        return self.get_response(request)

    def _note(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        match = request.resolver_match
        route = match.route if match else "none"
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(method, route).observe(seconds)
        if route not in _QUIET:
            log.info(
                "request_answered",
                method=method,
                path=request.path[:200],
                route=route,
                status=response.status_code,
                milliseconds=round(seconds * 1000, 1),
                account=getattr(request, "account", None),
            )


class PageLanguage(LocaleMiddleware):
    """Django's choice of a language, for pages; the API makes its own, where it says something."""

    def __call__(self, request: HttpRequest) -> Any:
        """Pass by what is no page."""
        if request.path_info.startswith(_NO_PAGES):
            return self.get_response(request)
        return super().__call__(request)


_NO_PAGES: Final = ("/api/", "/health/", "/metrics", "/log/")
