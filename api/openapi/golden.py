"""What is derived and then committed, so that a change of it is a change somebody reviews."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from api.openapi.asyncapi import asyncapi_yaml
from api.openapi.asyncapi_examples import funding_events
from api.openapi.catalogue import catalogue_markdown
from api.openapi.schema import openapi
from domain.kernel.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Callable


def golden_files() -> dict[str, bytes]:
    """The files, by their path from the top of the project."""
    return {path: make() for path, make in _FILES.items()}


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _event_schemas() -> bytes:
    """Each type's fields as they are stored, with the version of that schema."""
    return _json(
        {
            slug: {
                "schema_version": kind.schema_version,
                "data": kind.model_json_schema(mode="serialization"),
            }
            for slug, kind in sorted(Decision.registry.items())
        }
    )


_FILES: dict[str, Callable[[], bytes]] = {
    "docs/catalogue.md": lambda: catalogue_markdown().encode(),
    "tests/golden/asyncapi.yaml": lambda: asyncapi_yaml().encode(),
    "tests/golden/event-schemas.json": _event_schemas,
    "tests/golden/funding-events.ndjson": funding_events,
    "tests/golden/openapi.json": lambda: _json(openapi()),
}
