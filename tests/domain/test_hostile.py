"""Whatever stands in a field, of whatever type: it is read and judged, or what is wrong is named.

Each field of each type is tried, in an otherwise lawful decision, and as a correction of one.
"""

import json
from dataclasses import replace
from typing import Annotated, get_args

import pytest
from pydantic import BaseModel, ValidationError

from domain.chapters.corrections import DecisionRectified
from domain.kernel.canonical import canonical
from domain.kernel.decision import judge
from domain.kernel.payload import content_of, read
from tests.domain.cases import accepted
from tests.domain.given import take, told
from tests.domain.stages import CLOSED, SQUARE
from tests.domain.test_characters import HIDDEN
from tests.domain.test_personal_data import leaves

RING = SQUARE["coordinates"][0]
ENDS = ("0001-01-01", "1899-12-31", "1900-01-01", "2200-12-31", "2201-01-01", "9999-12-31")
NO_DAYS = ("0", "1397606400", "2014-02-30", "2014-04-16T00:00:00Z", "\u0662014-04-16", 0, None, [])
TEXTS = (
    *HIDDEN.values(),
    "A\u202eB",
    "A\nB",
    "A\u200bB",
    "x" * 25_000,
    "\u0958" * 119,
    "👩\u200d🔧",
)
RINGS = (
    [],
    [[]],
    [RING],
    [RING[::-1]],
    [RING, RING],
    [RING, [[6.147, 46.211], [6.149, 46.213], [6.149, 46.211], [6.147, 46.211]]],
    [[[6.1, 46.2]] * 4],
    [[[6.1, 46.2], [6.2, 46.3], [6.2, 46.2], [6.1, 46.3], [6.1, 46.2]]],
    [[[-180, 90], [180, 90], [180, -90], [-180, 90]]],
    [[[x * 1e300, y] for x, y in RING]],
    [[["x", None]] * 4],
)
GEOMETRIES = [
    {"type": kind, "coordinates": coordinates}
    for rings in RINGS
    for kind, coordinates in (("Polygon", rings), ("MultiPolygon", [rings]), ("Polygon", rings * 2))
]
ANYTHING = (None, True, 0, -1, 10**400, 1.5, "", "x", [], [[]], {}, {"text": "x"}, {"": None})

BY_MARK = {"day": (*ENDS, *NO_DAYS), "geometry": GEOMETRIES} | dict.fromkeys(
    ("title", "citation", "place", "text", "restricted text", "key", "person"), TEXTS
)

each_kind = pytest.mark.parametrize("law", accepted().values(), ids=lambda law: law.kind.slug)


def hostile(model):
    """A name of a field with each value that is tried there, alone, in a list, and in a group."""
    for name, info in model.model_fields.items():
        found = leaves(Annotated[(info.annotation, "", *info.metadata)])
        marks = {mark for _, _, noted in found for mark in noted}
        values = [value for mark in sorted(marks) for value in BY_MARK.get(mark, ())]
        for value in (*ANYTHING, *values):
            yield name, value
            yield name, [value]
        for group in groups(info.annotation):
            for inner, value in hostile(group):
                yield name, {inner: value}
                yield name, [{inner: value}]


def groups(annotation):
    """The models that an annotation holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from groups(each)


def tried(decision, contract, act):
    """Judge it, say what is found, and go on from there if nothing is."""
    judgement = judge(decision, contract, act)
    for finding in (*judgement.refusals, *judgement.departures):
        for language in ("fr", "en"):
            json.dumps(finding.as_json(language))
    if not judgement.refusals:
        stored = canonical(content_of(decision, act))
        assert read(decision.slug, decision.schema_version, stored).data == decision
    return judgement.refusals


@each_kind
def test_every_field_is_read_and_judged_or_named(law):
    contract = told(*law.story)
    for name, value in hostile(law.kind):
        taken = replace(law.taken, fields={**law.taken.fields, name: value})
        try:
            decision = taken.read(contract)
        except ValidationError as error:
            json.dumps(error.errors(include_url=False, include_input=False), default=str)
            continue
        tried(decision, contract, taken.act)


STANDING = {type(recorded.decision): recorded for recorded in told(*CLOSED).history}


@pytest.mark.parametrize("recorded", STANDING.values(), ids=lambda r: r.decision.slug)
def test_every_field_of_a_decision_is_corrected_or_that_is_refused(recorded):
    contract = told(*CLOSED)
    for name, value in hostile(type(recorded.decision)):
        taken = take(
            DecisionRectified,
            "2018-10-01",
            by=recorded.act.body,
            position=recorded.position,
            reason="Faute.",
            fields={name: value},
        )
        try:
            decision = taken.read(contract)
        except ValidationError:
            continue
        tried(decision, contract, taken.act)
