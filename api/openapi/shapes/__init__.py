"""The shapes of answers and requests that are not derived from a decision type or a view.

Only described here: OpenAPI is made from them, and a test holds answers to it. Each file is one
noun, mostly that of the file in `api/` that answers so.

    decisions.py        a decision as it is recorded, in histories, in the feed
    decision_types.py   what kinds there are, under which rules
    possibilities.py    what can be decided now
    problems.py         what is wrong with a request; the findings of rules
    changes.py          what changed between two dates
    counterfactual.py   a history under another framework
    documents.py        evidence
    persons.py          whom decisions name
    reference.py        what decisions may refer to
    digest.py           a day of funding events
    health.py           whether the service answers
    values.py           what several of them are made of
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from api.openapi.shapes.changes import Changes
from api.openapi.shapes.counterfactual import Counterfactual
from api.openapi.shapes.decision_types import DecisionType
from api.openapi.shapes.decisions import Event, HistoryEntry, Recorded
from api.openapi.shapes.digest import FundingDay
from api.openapi.shapes.documents import Document
from api.openapi.shapes.health import Live, Ready
from api.openapi.shapes.persons import GivenPerson, Person
from api.openapi.shapes.possibilities import Possibility
from api.openapi.shapes.problems import Problem, ProblemKind
from api.openapi.shapes.reference import Reference
from api.resources.persons import NewPerson

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaMode

SHAPES: Final[tuple[tuple[Any, JsonSchemaMode], ...]] = (
    (Changes, "serialization"),
    (Counterfactual, "serialization"),
    (DecisionType, "serialization"),
    (Document, "serialization"),
    (Event, "serialization"),
    (FundingDay, "serialization"),
    (GivenPerson, "serialization"),
    (HistoryEntry, "serialization"),
    (Live, "serialization"),
    (NewPerson, "validation"),
    (Person, "serialization"),
    (Possibility, "serialization"),
    (Problem, "serialization"),
    (ProblemKind, "serialization"),
    (Ready, "serialization"),
    (Recorded, "serialization"),
    (Reference, "serialization"),
)
"""What OpenAPI describes, each under its own name."""


def shapes(template: str) -> dict[str, Any]:
    """The JSON Schemas of all shapes and of what they are made of, by name."""
    adapters = [(shape.__name__, mode, TypeAdapter(shape)) for shape, mode in SHAPES]
    _, definitions = TypeAdapter.json_schemas(adapters, ref_template=template)
    named: dict[str, Any] = definitions["$defs"]
    return named
