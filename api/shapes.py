"""The shapes of answers and requests that are not derived from a decision type or a view.

Only described here: OpenAPI is made from them, and a test holds answers to it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NotRequired

from pydantic import Field, JsonValue, TypeAdapter
from typing_extensions import TypedDict

from api.forms import Field as FormField
from api.persons import NewPerson
from domain.act import Body, Evidence
from domain.standing import Standing
from domain.values import Key, PersonId, TextRef
from projections.requirement import State

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaMode

Position = Annotated[int, Field(ge=1)]
Version = Annotated[int, Field(ge=1)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Bilingual(TypedDict):
    """A name in both languages."""

    fr: str
    en: str


# --- Decisions ----------------------------------------------------------------------------------


class Recorded(TypedDict):
    """A decision in its place in history; free texts as the reader may read them."""

    position: Position
    contract: Key
    version: Version
    type: Key
    body: Body
    basis: str
    decided_on: date
    recorded_at: datetime
    recorded_by: str
    data: dict[str, JsonValue]
    evidence: list[Evidence]
    departures: dict[str, str]


class HistoryEntry(Recorded):
    """A decision of a contract's history; `corrected_by` is the position of its last correction."""

    name: Bilingual
    corrected_by: Position | None


class Event(TypedDict):
    """A decision as it is stored, for ever. Free texts are references: the vault holds them."""

    position: Position
    contract: Key
    version: Version
    type: Key
    schema: Annotated[int, Field(ge=1)]
    body: Body
    decided_on: date
    recorded_at: datetime
    recorded_by: str
    data: dict[str, JsonValue]
    evidence: NotRequired[list[Evidence]]
    departures: NotRequired[dict[str, TextRef]]


# --- Problems -----------------------------------------------------------------------------------


class FieldError(TypedDict):
    """What is wrong with one field. `pointer` is a JSON pointer (RFC 6901) into the request."""

    pointer: str
    code: str
    message: str


class Finding(TypedDict):
    """A rule that stands against a decision, with the facts it found."""

    rule: Key
    basis: str
    departable: bool
    message: str
    facts: dict[str, JsonValue]


class Problem(TypedDict):
    """What went wrong (RFC 9457). Some kinds have further members."""

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: str
    errors: NotRequired[list[FieldError]]
    findings: NotRequired[list[Finding]]
    missed: NotRequired[list[Recorded]]


class ProblemKind(TypedDict):
    """What a problem's `type` stands for."""

    type: str
    status: Annotated[int, Field(ge=400, le=599)]
    title: Bilingual


# --- What can be decided ------------------------------------------------------------------------


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


class Rule(TypedDict):
    """A rule; its sentences name in braces the facts that a finding states."""

    rule: Key
    basis: str
    departable: bool
    sentence: Bilingual
    about: str


class CompetentBody(TypedDict):
    """A body that takes such decisions."""

    body: Body
    name: Bilingual


class DecisionType(TypedDict):
    """A decision type: who takes it, on what basis, under which rules, with which fields."""

    type: Key
    name: Bilingual
    about: str
    bodies: list[CompetentBody]
    basis: str
    standings: list[Standing]
    schema_version: Annotated[int, Field(ge=1)]
    rules: list[Rule]
    schema: dict[str, JsonValue]
    form: list[FormField]


# --- Replaying ----------------------------------------------------------------------------------


class Decided(TypedDict):
    """The decision behind a change."""

    position: Position
    type: Key
    name: Bilingual
    body: Body
    decided_on: date
    recorded_at: datetime


class Change(TypedDict):
    """One place of a view. Without `before` nothing was there, without `after` nothing is.

    `decision` is null where only time has passed.
    """

    pointer: str
    before: NotRequired[JsonValue]
    after: NotRequired[JsonValue]
    decision: Decided | None


Changes = TypedDict(
    "Changes",
    {
        "contract": Key,
        "version": Version,
        "view": Key,
        "axis": Literal["known", "valid"],
        "from": datetime | date | None,
        "to": datetime | date,
        "changes": list[Change],
    },
)
"""What changed in a view between two dates; in this order, the changes lead from one to the other.
"""


class OtherwiseJudged(TypedDict):
    """A decision that another version of the framework would have judged otherwise."""

    position: Position
    type: Key
    body: Body
    decided_on: date
    refused: list[Finding]
    unjustified: list[Finding]
    no_longer: list[Finding]


class RequirementAnswer(TypedDict):
    """How a requirement is answered."""

    state: State
    due: date | None
    positions: list[Position]


class OtherwiseAnswered(TypedDict):
    """A requirement answered otherwise; null where that version does not ask for it."""

    id: Key
    basis: str
    fr: str
    en: str
    own: RequirementAnswer | None
    other: RequirementAnswer | None


class Counterfactual(TypedDict):
    """A contract's history under another version of the framework: what differs."""

    contract: Key
    version: Version
    own_framework: Key
    framework: Key
    on: date
    decisions: list[OtherwiseJudged]
    requirements: list[OtherwiseAnswered]


# --- The rest -----------------------------------------------------------------------------------


class Document(TypedDict):
    """What is known of a document."""

    sha256: Digest
    size: Annotated[int, Field(ge=0)]
    media_type: str
    title: str


class Person(TypedDict):
    """An identity; `name` is a marker once it is erased."""

    id: PersonId
    name: str
    contact: str | None
    erased: bool


class GivenPerson(TypedDict):
    """The id under which decisions name the person."""

    id: PersonId


class Named(TypedDict):
    """A word of a vocabulary."""

    id: str
    fr: str
    en: str


class Service(Named):
    """A municipal service, with the department it belongs to."""

    department: Key


class Delay(TypedDict):
    """How many days must pass from publication, from a day on."""

    since: date
    days: int
    source: str


class Reference(TypedDict):
    """What decisions may refer to."""

    departments: list[Named]
    services: list[Service]
    themes: list[Named]
    referendum_delays: list[Delay]
    capacities: list[Named]
    bodies: list[Named]
    frameworks: list[Named]


class FundingDay(TypedDict):
    """The funding events recorded on a day: how many, and the digest over their lines."""

    date: date
    events: Annotated[int, Field(ge=0)]
    digest: Digest
    complete: Annotated[
        bool, Field(description="Whether the day is over: only then the digest is the day's.")
    ]
    lines: NotRequired[Annotated[list[str], Field(description="Only if asked for.")]]


class Live(TypedDict):
    """The process answers."""

    live: Literal[True]


class Ready(TypedDict):
    """Each part that answering needs, and how it is."""

    ready: Literal[True]
    checks: dict[str, str]


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
