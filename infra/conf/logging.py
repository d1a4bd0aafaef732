"""Logs: events in the past tense with their ids; never a text, a name or a secret."""

from __future__ import annotations

import logging.config
import os
import sys
from typing import TYPE_CHECKING, Literal, cast, get_args

import structlog
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from structlog.typing import Processor

LogFormat = Literal["json", "console"]


def log_format() -> LogFormat:
    """`LOG_FORMAT`; by default for a person on a terminal, and JSON elsewhere.

    Raises:
        ImproperlyConfigured: it names something else.
    """
    given = os.environ.get("LOG_FORMAT") or ("console" if sys.stderr.isatty() else "json")
    if given not in get_args(LogFormat):
        raise ImproperlyConfigured(f"LOG_FORMAT is json or console, not {given!r}.")
    return cast("LogFormat", given)


def configure(log_format: LogFormat) -> None:
    """Send structlog's and the standard library's records alike to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *last,
                    ],
                }
            },
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "structured"},
            },
            "root": {"handlers": ["stderr"], "level": "INFO"},
            "loggers": {
                "django.server": {"level": "WARNING"},
                # Refusals are answers: api.http.middleware logs every one of them.
                "django.request": {"level": "ERROR"},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
