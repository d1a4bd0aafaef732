"""What several shapes are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

Position = Annotated[int, Field(ge=1)]
Version = Annotated[int, Field(ge=1)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Bilingual(TypedDict):
    """A name in both languages."""

    fr: str
    en: str
