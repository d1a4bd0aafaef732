"""A document that is evidence."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.openapi.shapes.values import Digest


class Document(TypedDict):
    """What is known of a document."""

    sha256: Digest
    size: Annotated[int, Field(ge=0)]
    media_type: str
    title: str
