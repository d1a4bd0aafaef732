"""What can be decided now, and what stands in the way of the rest."""

from __future__ import annotations

from typing_extensions import TypedDict

from api.openapi.shapes.problems import Finding
from api.openapi.shapes.values import Bilingual
from domain.kernel.act import Body
from domain.kernel.values import Key


class JudgedForBody(TypedDict):
    """Whether one competent body may decide it now."""

    body: Body
    permitted: bool
    findings: list[Finding]


class Possibility(TypedDict):
    """Whether a type of decision can be taken now, and what stands in the way.

    Permitted may still have findings: departable ones, which need a justification.
    """

    type: Key
    name: Bilingual
    basis: str
    permitted: bool
    findings: list[Finding]
    bodies: list[JudgedForBody]
