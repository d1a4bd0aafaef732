"""Decisions made up by hypothesis: the fields of any type, derived from its annotations.

Identifiers are drawn from a few names that a contract of `stages` knows, and one it does not, so
that decisions refer to one another often enough to be lawful now and then.
"""

import datetime as dt
import functools
import string
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel, ValidationError

from domain.catalogue import catalogue
from domain.chapters.corrections import DecisionRectified
from domain.kernel.contract import Contract
from domain.kernel.decision import Decision
from domain.kernel.framework import FRAMEWORKS
from domain.kernel.history import AboutHistory, Correction
from tests.domain.cases import stated
from tests.domain.given import REFERENCE, Taken, person, text_ref
from tests.domain.stages import CLOSED, SQUARE

KINDS = tuple(catalogue().values())

MOSTLY = (*KINDS, *[kind for kind in KINDS if issubclass(kind, Correction)] * 8)
"""Every type, and corrections of what was recorded rather often."""

FIRST_DAY, LAST_DAY = dt.date(2014, 1, 1), dt.date(2019, 12, 31)

PERSONS = tuple(
    person(name) for name in ("anna", "bruno", "claire", "david", "emma", "hugo", "association")
)

TWO_SQUARES = {
    "type": "MultiPolygon",
    "coordinates": [
        SQUARE["coordinates"],
        [[[6.16, 46.2], [6.17, 46.2], [6.17, 46.21], [6, 46.21], [6.16, 46.2]]],
    ],
}
IN_MN95 = {
    "type": "Polygon",
    "crs": "EPSG:2056",
    "coordinates": [
        [[2500000, 1118000], [2500500, 1118000], [2500500, 1118500], [2500000, 1118000]]
    ],
}


def names(letter: str, count: int) -> SearchStrategy[str]:
    return st.sampled_from([f"{letter}{number}" for number in (*range(1, count + 1), 9)])


def lines(limit: int) -> SearchStrategy[str]:
    """One line of anything printable, accents and composed characters included."""
    some = st.characters(
        codec="utf-8", exclude_categories=("C", "Zl", "Zp"), include_characters="\u0301\u1e69"
    )
    return st.text(some, min_size=1, max_size=limit).map(str.strip).filter(bool)


amounts = st.one_of(
    st.sampled_from(["0", "0.05", "1", "100", "1000.50", "40000", "200000"]),
    st.decimals(0, 300_000, places=2).map(str),
)
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("C",), include_characters="\n"),
    min_size=1,
    max_size=40,
).filter(str.strip)
days = st.dates(FIRST_DAY, LAST_DAY).map(dt.date.isoformat)

BY_MARK: Mapping[str, SearchStrategy[Any]] = {
    "plenary": names("p", 5),
    "working group": names("g", 2),
    "need": names("n", 5),
    "action": names("a", 5),
    "milestone": names("m", 2),
    "service": st.sampled_from([*(each.id for each in REFERENCE.services), "nobody"]),
    "department": st.sampled_from([*(each.id for each in REFERENCE.departments), "weather"]),
    "theme": st.sampled_from([*(each.id for each in REFERENCE.themes), "weather"]),
    "framework version": st.sampled_from([*FRAMEWORKS, "cadre-1900"]),
    "roadmap version": st.integers(1, 4),
    "person": st.sampled_from(PERSONS),
    "title": lines(120),
    "citation": lines(60),
    "place": lines(120),
    "language": st.text(string.ascii_lowercase, min_size=2, max_size=3),
    "day": days,
    "year": st.integers(2013, 2019),
    "amount": amounts,
    "text": texts,
    "restricted text": texts,
    "text id": st.sampled_from([text_ref("De l'ombre.").text, person("nobody")]),
    "geometry": st.sampled_from([SQUARE, TWO_SQUARES, IN_MN95]),
    "corrected fields": st.just({}),
    "schema version": st.none(),
}


def value(annotation: Any, metadata: tuple[Any, ...] = ()) -> SearchStrategy[Any]:
    """A JSON value for a field of that annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return value(arguments[0], (*arguments[1:], *metadata))
    marks = [mark for mark in metadata if isinstance(mark, str) and mark in BY_MARK]
    if marks:
        return BY_MARK[marks[-1]]
    if origin in {Union, UnionType}:
        return st.one_of([value(each) for each in arguments])
    if origin is tuple:
        least = bound(metadata, MinLen, "min_length") or 0
        most = min(bound(metadata, MaxLen, "max_length") or 4, least + 3)
        return st.lists(value(arguments[0]), min_size=least, max_size=most)
    return _plain(annotation, bound(metadata, Ge, "ge"), bound(metadata, Le, "le"))


def _plain(kind: type, least: Any, most: Any) -> SearchStrategy[Any]:
    if issubclass(kind, Enum):
        return st.sampled_from([member.value for member in kind])
    if issubclass(kind, BaseModel):
        return fields(kind)
    return {
        type(None): st.none(),
        bool: st.booleans(),
        int: st.integers(least, most) if kind is int else st.nothing(),
        float: st.floats(least, most, allow_nan=False) if kind is float else st.nothing(),
    }[kind]


def bound(metadata: tuple[Any, ...], kind: type, name: str) -> Any:
    return next((getattr(each, name) for each in metadata if isinstance(each, kind)), None)


def fields(model: type[BaseModel]) -> SearchStrategy[dict[str, Any]]:
    """The fields of a model as JSON; optional ones are there or not."""
    required, optional = {}, {}
    for name, info in model.model_fields.items():
        drawn = value(info.annotation, tuple(info.metadata))
        (required if info.is_required() else optional)[name] = drawn
    return st.fixed_dictionaries(required, optional=optional)


FIELDS = {kind: fields(kind) for kind in KINDS}


@functools.cache
def examples() -> dict[type[Decision], list[Taken]]:
    """Decisions of each type that the chapters' tests take, lawful at one time or another."""
    found: dict[type[Decision], list[Taken]] = {kind: [] for kind in KINDS}
    for law in stated():
        found[law.kind].append(law.taken)
    for taken in CLOSED:
        found[taken.kind].append(taken)
    return found


@st.composite
def data_of(draw, kind: type[Decision], contract: Contract) -> dict[str, Any]:
    """Fields of that type, all made up; those of a correction are about the contract."""
    drawn = draw(FIELDS[kind])
    if issubclass(kind, Correction):
        drawn["position"] = draw(st.integers(1, len(contract.history) + 1))
    if kind is DecisionRectified:
        first = next((r for r in contract.history if r.position == drawn["position"]), None)
        drawn["fields"] = {}
        if first is not None and not isinstance(first.decision, AboutHistory):
            drawn["fields"] = draw(some_of(draw(FIELDS[type(first.decision)]), least=1))
    return drawn


@st.composite
def some_of(draw, fields: Mapping[str, Any], least: int = 0) -> dict[str, Any]:
    if not fields:
        return {}
    names = draw(st.sets(st.sampled_from(sorted(fields)), min_size=least, max_size=2))
    return {name: fields[name] for name in sorted(names)}


@st.composite
def takens(draw, contract: Contract, kinds: tuple[type[Decision], ...] = MOSTLY) -> Taken:
    """Somebody's attempt to take a decision now, on a day near the last one's.

    Most are like one that a test takes, with a field or two made up; departable rules that stand
    in the way are mostly departed from.
    """
    kind = draw(st.sampled_from(kinds))
    like = draw(st.sampled_from(examples()[kind]))
    made_up = draw(data_of(kind, contract))
    fields = {**like.fields, **draw(some_of(made_up))} if draw(st.integers(0, 4)) else made_up
    body = like.by if like.by in kind.taken_by else min(kind.taken_by)
    if issubclass(kind, Correction) and contract.history:
        fields = made_up
        place = min(made_up["position"], len(contract.history)) - 1
        body = contract.history[place].act.body if draw(st.integers(0, 4)) else body
    last = contract.history[-1].act.decided_on if contract.history else like.decided_on
    days_on = draw(st.one_of(st.integers(0, 60), st.just(0), st.integers(-400, 400)))
    taken = Taken(kind, last + dt.timedelta(days=days_on), fields, body)
    return departing(taken, contract) if draw(st.integers(0, 3)) else taken


def departing(taken: Taken, contract: Contract) -> Taken:
    """The same, with a justification for each departable rule that stands in the way."""
    try:
        refusals = taken.judged(contract).refusals
    except ValidationError:
        return taken
    rules = {finding.id for finding in refusals if finding.departable}
    return replace(taken, departing=tuple(sorted(rules)))
