"""What a decision is: the base class of every type, their registry, and the recorded envelope.

A decision type declares its fields once, who is competent, the paragraph it rests on, the rules
that judge it and what it changes. The event, its schema, the API route, the form and the
catalogue are all derived from that one class.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict

from domain.kernel.act import Act, Body
from domain.kernel.days import days_of
from domain.kernel.life_cycle import (
    DecidedBeforeTheContract,
    DecidedInTheFuture,
    DepartureWithoutCause,
    NotUnderWay,
    OutsideTheCalendar,
    Standing,
)
from domain.kernel.rule import Finding, Rule, kebab
from domain.kernel.values import KEEPER, STORED, AccountId, Bilingual, ContractId, TextKeeper

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

ALWAYS: tuple[type[Rule], ...] = (DecidedInTheFuture, DecidedBeforeTheContract)
"""Rules every decision answers to, before its own."""

GENERAL: tuple[type[Rule], ...] = (
    NotUnderWay,
    *ALWAYS,
    OutsideTheCalendar,
    DepartureWithoutCause,
)
"""Rules any decision can be refused by: its `standings`, its date, its justifications."""


class Decision(BaseModel):
    """One kind of decision; an instance is one decision, without its circumstances.

    Class arguments:
        taken_by: the bodies competent to take it. Left out, the class is abstract.
        basis: the paragraph of the Cadre it rests on.
        money: whether it is about money: finance is told of it, and of every correction of it.
        schema: the version of its fields. Raise it when they change, and say how to read the
            older ones in a static method `upcast_v1_v2(data) -> data`, one for each step. A
            rectification hands in the corrected fields alone: what is not there stays away.

    `chapter` is the name of the module it stands in.

    `requires` lists the rules on the contract alone; they also answer what can be decided now.
    `judge` finds fault with the fields, all of it; the return annotation names the rules it may
    find, and mypy and the catalogue both hold it to that. `apply` never refuses and never
    raises: history is not judged again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ser_json_inf_nan="null")

    registry: ClassVar[dict[str, type[Decision]]] = {}

    name: ClassVar[str]
    slug: ClassVar[str]
    fr: ClassVar[str]
    en: ClassVar[str]
    taken_by: ClassVar[frozenset[Body]] = frozenset()
    basis: ClassVar[str] = ""
    chapter: ClassVar[str] = ""
    money: ClassVar[bool] = False
    schema_version: ClassVar[int] = 1
    requires: ClassVar[tuple[type[Rule], ...]] = ()
    standings: ClassVar[frozenset[Standing]] = frozenset({Standing.UNDER_WAY})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the class arguments, which `__pydantic_init_subclass__` uses once it has fields."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        taken_by: Collection[Body] = (),
        basis: str = "",
        money: bool = False,
        schema: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not taken_by:
            return
        if "fr" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} has no French name: set `fr`")
        cls.name = cls.__name__
        cls.slug = kebab(cls.__name__)
        if "en" not in cls.__dict__:
            cls.en = re.sub(r"(?<=[a-z])([A-Z])", lambda m: f" {m[1].lower()}", cls.__name__)
        cls.taken_by = frozenset(taken_by)
        cls.basis = basis
        cls.chapter = cls.__module__.rpartition(".")[2]
        cls.money = money
        cls.schema_version = schema
        for version in range(1, schema):
            if not hasattr(cls, f"upcast_v{version}_v{version + 1}"):
                raise TypeError(f"{cls.__name__} does not say how to read schema {version}")
        known = Decision.registry.get(cls.slug)
        if known is not None and known.__module__ != cls.__module__:
            raise TypeError(f"the name {cls.slug} is taken by {known.__module__}")
        Decision.registry[cls.slug] = cls

    @classmethod
    def label(cls) -> Bilingual:
        return Bilingual(cls.fr, cls.en)

    @classmethod
    def rules(cls) -> tuple[type[Rule], ...]:
        """Every rule it can be refused by, once each: the general ones, then its own."""
        hints = get_type_hints(
            cls.judge, localns={"Contract": object, "Act": object, "Iterator": Iterator}
        )
        (found,) = get_args(hints["return"])
        named = () if found is Rule else get_args(found) or (found,)
        return tuple(dict.fromkeys((*GENERAL, *cls.requires, *named)))

    @classmethod
    def upcast(cls, data: dict[str, Any], written_under: int) -> dict[str, Any]:
        """Fields written under an earlier schema version, as today's version has them."""
        for version in range(written_under, cls.schema_version):
            data = getattr(cls, f"upcast_v{version}_v{version + 1}")(data)
        return data

    @classmethod
    def parse(
        cls,
        data: str | bytes,
        *,
        keeper: TextKeeper,
        contract: Contract,
        as_recorded: bool = False,
    ) -> Self:
        """Read what somebody sent, as JSON. Free texts go to the keeper, references stay.

        Args:
            data: the fields.
            keeper: where free texts go.
            contract: what it is about.
            as_recorded: it says what was recorded once; texts are not examined again.

        Raises:
            pydantic.ValidationError: everything that is wrong with the fields, at once.
        """
        context = {KEEPER: keeper, "contract": contract} | ({STORED: True} if as_recorded else {})
        return cls.model_validate_json(data, context=context)

    def judge(self, contract: Contract, act: Act) -> Iterator[Rule]:
        yield from ()

    def apply(self, contract: Contract, act: Act) -> None:
        """Change what later rules read. Must not raise on any contract, whatever came before."""


DecisionT_co = TypeVar("DecisionT_co", bound=Decision, covariant=True)


@dataclass(frozen=True, slots=True)
class Recorded(Generic[DecisionT_co]):
    """A decision in its place in history; never changed afterwards.

    position: its place in the one order of all decisions, from 1, without gaps.
    version: its place in the contract's own history, from 1.
    recorded_at: when we learned of it, UTC.
    """

    position: int
    contract: ContractId
    version: int
    recorded_at: datetime
    act: Act
    decision: DecisionT_co

    @property
    def recorded_by(self) -> AccountId:
        return self.act.recorded_by


class UnknownDecisionType(LookupError):
    """No decision type has this name."""


def decision_type(slug: str) -> type[Decision]:
    """The type of that slug (`perimeter-set`) or name (`PerimeterSet`).

    Raises:
        UnknownDecisionType: the registry is closed: nothing is looked for elsewhere.
    """
    try:
        return Decision.registry[slug]
    except KeyError:
        by_name = Decision.registry.get(kebab(slug))
        if by_name is None or by_name.name != slug:
            raise UnknownDecisionType(slug) from None
        return by_name


# --- Judging ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything found: what refuses the decision, and what was departed from with a reason."""

    refusals: tuple[Finding, ...]
    departures: tuple[Finding, ...]


class NotCompetent(Exception):
    """The body is not one that takes this decision."""

    def __init__(self, kind: type[Decision], body: Body) -> None:
        super().__init__(f"{body} does not take {kind.slug}")
        self.kind = kind
        self.body = body


def obstacles(kind: type[Decision], contract: Contract, act: Act) -> Iterator[Finding]:
    """What stands in the way of any decision of this type, whatever its fields will say."""
    if contract.standing not in kind.standings:
        yield NotUnderWay(standing=contract.standing)
    for rule in (*ALWAYS, *kind.requires):
        yield from rule.check(contract, act)


def judge(decision: Decision, contract: Contract, act: Act) -> Judgement:
    """Ask every rule, and set aside the departable findings that are justified.

    Raises:
        NotCompetent: `act.body` is not among those that take it.
    """
    kind = type(decision)
    if act.body not in kind.taken_by:
        raise NotCompetent(kind, act.body)
    found = [
        *obstacles(kind, contract, act),
        *_outside_the_calendar(decision, act),
        *decision.judge(contract, act),
    ]
    departed = [f for f in found if f.departable and f.id in act.departures]
    refusals = [f for f in found if f not in departed]
    justified = {finding.id for finding in departed}
    refusals += [
        DepartureWithoutCause(rule=rule) for rule in act.departures if rule not in justified
    ]
    return Judgement(tuple(refusals), tuple(departed))


def _outside_the_calendar(decision: Decision, act: Act) -> Iterator[OutsideTheCalendar]:
    yield from OutsideTheCalendar.of("decided_on", act.decided_on)
    for field, day in days_of(decision):
        if field != "decided_on":
            yield from OutsideTheCalendar.of(field, day)
