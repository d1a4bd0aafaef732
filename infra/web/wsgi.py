"""The WSGI application that the HTTP server runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from infra.processes.memory import look_seldom_for_cycles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.conf.settings")

_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django's, which raises before any handler at a content type that it cannot read.

    A parameter in an unknown encoding (RFC 2231) is one: such a type is as good as none.
    """
    try:
        parse_header_parameters(environ.get("CONTENT_TYPE", ""))
    except ValueError:
        environ["CONTENT_TYPE"] = ""
    return _django(environ, start_response)


look_seldom_for_cycles()
