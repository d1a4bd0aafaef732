"""The words tests say the law in: `given(a story).when(a decision).refused(a rule)`.

A story is a sequence of decisions, and each of them is judged when the story is told: a test
never starts from a state that the law would not have allowed. Fields are given as a client would
send them, as JSON, and read by `Decision.parse`.

`given(…).when(…).recorded()` is a `Law`: it says something and does nothing until `holds()`.
"""

import datetime as dt
import functools
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import ValidationError

import domain.catalogue
from domain.kernel.act import Act, Body
from domain.kernel.contract import Contract
from domain.kernel.decision import Decision, Judgement, NotCompetent, Recorded, judge
from domain.kernel.reference import Delay, Department, Reference, Service, Theme
from domain.kernel.rule import Fact, Rule
from domain.kernel.values import AccountId, Audience, TextRef

assert domain.catalogue.CHAPTERS, "every decision type is registered"

CONTRACT = "example"
ONE_DAY = dt.timedelta(days=1)

REFERENCE = Reference(
    departments=tuple(
        Department(id=name, fr=name, en=name)
        for name in ("culture", "environment", "finance", "planning", "social")
    ),
    services=(
        Service(id="green-spaces", department="environment", fr="Espaces verts", en="Parks"),
        Service(id="youth", department="social", fr="Jeunesse", en="Youth"),
        Service(id="roads", department="planning", fr="Voirie", en="Roads"),
    ),
    themes=(
        Theme(id="public-space", fr="Espace public", en="Public space"),
        Theme(id="mobility", fr="Mobilité", en="Mobility"),
    ),
    referendum_delays=(
        Delay(since=dt.date(2013, 6, 1), days=40, source="Cst-GE art. 77"),
        Delay(since=dt.date(2030, 1, 1), days=30, source="made up"),
    ),
)


def person(handle: str) -> str:
    """The id of a made-up person."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, handle))


def day(written: str | dt.date) -> dt.date:
    return dt.date.fromisoformat(written) if isinstance(written, str) else written


def instant(position: int) -> dt.datetime:
    return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=position)


def text_ref(text: str) -> TextRef:
    """The reference that `Keeper` gives for a text."""
    return TextRef(
        text=str(uuid.uuid5(uuid.NAMESPACE_URL, text)),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


@dataclass
class Keeper:
    """Remembers the texts it was handed; the same text has the same reference."""

    kept: dict[str, str] = field(default_factory=dict)

    def keep(self, text: str, audience: Audience) -> TextRef:
        reference = text_ref(text)
        self.kept[reference.text] = f"{audience}: {text}"
        return reference


def parse(kind: type[Decision], contract: Contract, **fields: Any) -> Decision:
    return kind.parse(json.dumps(fields), keeper=Keeper(), contract=contract)


@dataclass(frozen=True, eq=False)
class Taken:
    """A decision with its circumstances."""

    kind: type[Decision]
    decided_on: dt.date
    fields: Mapping[str, Any]
    by: Body
    departing: tuple[str, ...] = ()
    today: dt.date = dt.date(2026, 11, 22)
    reference: Reference = REFERENCE

    def on(self, written: str | dt.date) -> "Taken":
        """The same decision on another day."""
        return replace(self, decided_on=day(written))

    def but(self, **fields: Any) -> "Taken":
        """The same decision with other fields; None takes one away."""
        merged = {**self.fields, **fields}
        return replace(self, fields={k: v for k, v in merged.items() if v is not None})

    def departing_from(self, *rules: type[Rule]) -> "Taken":
        return replace(self, departing=tuple(rule.id for rule in rules))

    @property
    def act(self) -> Act:
        return Act(
            body=self.by,
            decided_on=self.decided_on,
            recorded_by=AccountId("test"),
            departures={rule: text_ref(f"because of {rule}") for rule in self.departing},
            today=self.today,
            reference=self.reference,
        )

    def read(self, contract: Contract) -> Decision:
        return parse(self.kind, contract, **self.fields)

    def judged(self, contract: Contract) -> Judgement:
        return judge(self.read(contract), contract, self.act)

    def recorded(self, contract: Contract) -> Recorded[Any]:
        """The decision in the next place of the contract's history."""
        following = contract.version + 1
        return Recorded(
            position=following,
            contract=contract.id,
            version=following,
            recorded_at=instant(following),
            act=self.act,
            decision=self.read(contract),
        )


Story = tuple[Taken, ...]


def take(
    kind: type[Decision],
    on: str | dt.date,
    *,
    by: Body | None = None,
    departing: Iterable[type[Rule] | str] = (),
    **fields: Any,
) -> Taken:
    """A decision of that kind; by the only body competent, unless another is named."""
    if by is None:
        (by,) = kind.taken_by
    rules = tuple(rule if isinstance(rule, str) else rule.id for rule in departing)
    return Taken(kind, day(on), fields, by, rules)


def _flat(told: Iterable[Taken | Story]) -> Story:
    return tuple(taken for each in told for taken in (each if isinstance(each, tuple) else (each,)))


def told(*told: Taken | Story) -> Contract:
    """The contract that a story leads to. Not to be changed: it is kept for the next who asks.

    Raises:
        AssertionError: a decision of the story is refused.
    """
    return _told(_flat(told))


@functools.cache
def _told(story: Story) -> Contract:
    contract = Contract(CONTRACT)
    for taken in story:
        refusals = taken.judged(contract).refusals
        said = [finding.message("en") for finding in refusals]
        assert not refusals, f"{taken.kind.__name__} on {taken.decided_on}: {said}"
        contract.evolve(taken.recorded(contract))
    return contract


# --- Laws ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Law:
    """What the law says of one decision at the end of a story."""

    story: Story
    taken: Taken

    @property
    def kind(self) -> type[Decision]:
        return self.taken.kind

    @property
    def refusing(self) -> tuple[type[Rule], ...]:
        return ()

    def holds(self) -> None:
        raise NotImplementedError

    def found(self) -> tuple[Rule, ...]:
        """What the decision is refused by; every finding is one that its type declares."""
        contract = told(self.story)
        judgement = self.taken.judged(contract)
        found = (*judgement.refusals, *judgement.departures)
        undeclared = {type(finding) for finding in found} - set(self.kind.rules())
        assert not undeclared, f"{self.kind.__name__} does not declare {undeclared}"
        for finding in found:
            assert finding.message("fr")
            assert finding.message("en")
        return judgement.refusals


@dataclass(frozen=True)
class Accepted(Law):
    """It is recorded; the state is then as `check` asks."""

    check: Callable[[Contract], object] | None = None

    def holds(self) -> None:
        found = self.found()
        assert not found, [finding.message("en") for finding in found]
        contract = told(self.story, self.taken)
        if self.check is not None:
            assert self.check(contract)


@dataclass(frozen=True)
class Refused(Law):
    """It is refused by these rules and no others; the facts are those of the first rule."""

    rules: tuple[type[Rule], ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    among: bool = False

    @property
    def refusing(self) -> tuple[type[Rule], ...]:
        return self.rules

    def holds(self) -> None:
        found = self.found()
        kinds = {type(finding) for finding in found}
        if self.among:
            assert set(self.rules) <= kinds, f"found only {found}"
        else:
            assert set(self.rules) == kinds, f"found {found}"
        stated = [finding.facts for finding in found if type(finding) is self.rules[0]]
        if self.facts:
            assert any(self.facts.items() <= facts.items() for facts in stated), stated


@dataclass(frozen=True)
class NotForThatBody(Law):
    """The body is not competent."""

    def holds(self) -> None:
        with pytest.raises(NotCompetent):
            self.found()


@dataclass(frozen=True)
class Malformed(Law):
    """The fields cannot be read; these places are named, and no others."""

    places: tuple[str, ...] = ()

    def holds(self) -> None:
        with pytest.raises(ValidationError) as raised:
            self.taken.read(told(self.story))
        named = {"/".join(str(step) for step in each["loc"]) for each in raised.value.errors()}
        assert named == set(self.places)


@dataclass(frozen=True)
class When:
    story: Story
    taken: Taken

    def recorded(self, check: Callable[[Contract], object] | None = None) -> Accepted:
        return Accepted(self.story, self.taken, check)

    def refused(self, *rules: type[Rule], **facts: Fact) -> Refused:
        return Refused(self.story, self.taken, rules, facts)

    def refused_among_others(self, *rules: type[Rule], **facts: Fact) -> Refused:
        return Refused(self.story, self.taken, rules, facts, among=True)

    def not_competent(self) -> NotForThatBody:
        return NotForThatBody(self.story, self.taken)

    def malformed(self, *places: str) -> Malformed:
        return Malformed(self.story, self.taken, places)


@dataclass(frozen=True)
class Given:
    story: Story

    def when(
        self,
        kind: type[Decision] | Taken,
        *,
        on: str | dt.date | None = None,
        by: Body | None = None,
        departing: Iterable[type[Rule] | str] = (),
        **fields: Any,
    ) -> When:
        """That decision; on the day after the story's last one, unless a day is named."""
        if isinstance(kind, Taken):
            return When(self.story, kind.but(**fields).on(on) if on else kind.but(**fields))
        if on is None:
            on = self.story[-1].decided_on + ONE_DAY if self.story else "2014-02-20"
        return When(self.story, take(kind, on, by=by, departing=departing, **fields))


def given(*story: Taken | Story) -> Given:
    return Given(_flat(story))


Laws = dict[str, Law]
"""What a chapter's tests say, by the sentence that says it."""


def each_of(laws: Laws):
    """Parametrise a test over the laws, each named by its sentence."""
    return pytest.mark.parametrize("law", laws.values(), ids=list(laws))
