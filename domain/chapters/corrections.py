"""Corrections: a decision about an earlier decision. The first one stays for ever.

Today's state is the history with the correction in its place; what was known before the
correction stays readable as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticOmit, from_json

from domain.kernel.act import Act, Body
from domain.kernel.canonical import canonical
from domain.kernel.days import Day
from domain.kernel.decision import Decision, Recorded, judge
from domain.kernel.history import AboutHistory, Correction, effective, standing_at
from domain.kernel.life_cycle import DepartureWithoutCause
from domain.kernel.rule import Finding, Rule
from domain.kernel.values import KEEPER, STORED, UNCHANGED, Bilingual, Text, TextKeeper

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

ANY_BODY = frozenset(Body)


class UnknownDecision(Rule, basis="4"):
    """A correction names an earlier decision of the same contract."""

    fr = "La position {position} n'est pas une décision de ce contrat."
    en = "Position {position} is not a decision of this contract."


class CorrectsACorrection(Rule, basis="4"):
    """A correction is not itself corrected: the first decision is corrected again."""

    fr = "La décision {position} est elle-même une correction ; corrigez la décision d'origine."
    en = "Decision {position} is itself a correction; correct the original decision."


class TakenByAnotherBody(Rule, basis="2"):
    """A decision is corrected by the body that took it."""

    fr = "La décision {position} a été prise par : {body}."
    en = "Decision {position} was taken by: {body}."


class AlreadyAnnulled(Rule, basis="4"):
    """What is annulled is not corrected any more."""

    fr = "La décision {position} est annulée."
    en = "Decision {position} is annulled."


class NothingCorrected(Rule, basis="4"):
    """A rectification changes something."""

    fr = "La rectification de la décision {position} ne change rien."
    en = "The rectification of decision {position} changes nothing."


class LaterDecisionImpossible(Rule, basis="4"):
    """A correction is refused if it would make a decision impossible under a binding rule."""

    fr = "La décision {position} ({type}) deviendrait impossible : {why}"
    en = "Decision {position} ({type}) would become impossible: {why}"


Misdirected = UnknownDecision | CorrectsACorrection | TakenByAnotherBody | AlreadyAnnulled


def _first(contract: Contract, position: int) -> Recorded[Any] | None:
    return next((r for r in contract.history if r.position == position), None)


def _directed(contract: Contract, act: Act, position: int) -> Iterator[Misdirected]:
    first = _first(contract, position)
    if first is None:
        yield UnknownDecision(position=position)
        return
    if isinstance(first.decision, AboutHistory):
        yield CorrectsACorrection(position=position)
    if act.body is not first.act.body:
        yield TakenByAnotherBody(position=position, body=first.act.body)
    if any(
        isinstance(later.decision, DecisionAnnulled) and later.decision.position == position
        for later in contract.history
    ):
        yield AlreadyAnnulled(position=position)


def _refusals(
    history: list[Recorded[Any]], act: Act, since: int
) -> Iterator[tuple[Recorded[Any], Finding]]:
    """Judge a history again from a position on, each decision on what came before it.

    Only what refuses outright counts: a departable rule does not, nor a justification that has
    become superfluous. What was recorded by a body that is no longer competent is left alone.
    """
    from domain.kernel.contract import Contract  # noqa: PLC0415 - the state knows corrections

    state = Contract(history[0].contract)
    for recorded in effective(history):
        decision = recorded.decision
        lawful = recorded.act.body in decision.taken_by
        if recorded.position >= since and lawful and not isinstance(decision, AboutHistory):
            then = replace(recorded.act, today=act.today, reference=act.reference)
            for refusal in judge(decision, state, then).refusals:
                if not (refusal.departable or isinstance(refusal, DepartureWithoutCause)):
                    yield recorded, refusal
        decision.apply(state, recorded.act)


def _made_impossible(
    contract: Contract, act: Act, correction: Correction
) -> Iterator[LaterDecisionImpossible]:
    """Binding findings that the correction brings about, and that were not there before."""
    last = contract.history[-1]
    corrected = [
        *contract.history,
        replace(last, position=last.position + 1, decision=correction, act=act),
    ]
    since = correction.position
    after = list(_refusals(corrected, act, since))
    if not after:
        return
    before = {(r.position, found.id) for r, found in _refusals(contract.history, act, since)}
    for recorded, found in after:
        if (recorded.position, found.id) not in before:
            yield LaterDecisionImpossible(
                position=recorded.position,
                type=recorded.decision.label(),
                why=Bilingual(found.message("fr"), found.message("en")),
            )


def _without_gaps(decision: Decision) -> dict[str, Any]:
    return decision.model_dump(mode="json", exclude_none=True)


class OnlyStored:
    """Marks a field that is stored and never sent: the schema of what is sent leaves it out."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        if handler.mode == "validation":
            raise PydanticOmit
        return handler(schema)


_ONLY_STORED = OnlyStored()

KindT = TypeVar("KindT", bound=Decision)


class _Sent(BaseModel, Generic[KindT]):
    """A rectification as it is sent: its `fields` are read as those of the type it corrects."""

    model_config = ConfigDict(extra="forbid", strict=True)

    position: int
    reason: Text
    decided_on: Day | None = None
    fields: KindT


class DecisionRectified(Correction, taken_by=ANY_BODY, basis="4"):
    """An earlier decision is given other fields, by the body that took it.

    `fields` holds the corrected fields alone, in the form of that decision's own `data`; null
    takes an optional field away. They correct the decision as it stands: several rectifications
    add up. `decided_on` corrects the day it was decided.
    """

    fr = "Décision rectifiée"

    fields: Annotated[dict[str, Any], "corrected fields"] = Field(default_factory=dict)
    decided_on: Day | None = None
    written_under: Annotated[int | None, _ONLY_STORED, "schema version"] = None
    """The schema version of the fields, where it is not the first."""

    @classmethod
    def parse(
        cls,
        data: str | bytes,
        *,
        keeper: TextKeeper,
        contract: Contract,
        as_recorded: bool = False,
    ) -> Self:
        """Read the corrected fields as fields of the decision they correct."""
        sent = _read(data)
        fields = sent.get("fields")
        standing = _standing(contract, sent.get("position"))
        if standing is None or not isinstance(fields, dict):
            return super().parse(data, keeper=keeper, contract=contract, as_recorded=as_recorded)
        kind: Any = type(standing.decision)
        unchanged = _without_gaps(standing.decision)
        context = {KEEPER: keeper, UNCHANGED: unchanged, "contract": contract}
        if as_recorded:
            context[STORED] = True
        read = _Sent[kind].model_validate_json(
            json.dumps({**sent, "fields": {**unchanged, **fields}}), context=context
        )
        written = read.fields.model_dump(mode="json")
        return cls(
            position=read.position,
            reason=read.reason,
            decided_on=read.decided_on,
            fields={name: written[name] for name in fields},
            written_under=kind.schema_version if kind.schema_version > 1 else None,
        )

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Misdirected | NothingCorrected | LaterDecisionImpossible]:
        wrong = list(_directed(contract, act, self.position))
        yield from wrong
        standing = _standing(contract, self.position)
        if wrong or standing is None:
            return
        if self.corrected(standing) == standing:
            yield NothingCorrected(position=self.position)
        yield from _made_impossible(contract, act, self)

    def corrected(self, standing: Recorded[Any]) -> Recorded[Any]:
        kind = type(standing.decision)
        fields = kind.upcast(self.fields, self.written_under or 1)
        merged = {**_without_gaps(standing.decision), **fields}
        present = {name: value for name, value in merged.items() if value is not None}
        return replace(
            standing,
            decision=kind.model_validate_json(canonical(present), context={STORED: True}),
            act=replace(standing.act, decided_on=self.decided_on or standing.act.decided_on),
        )


def _read(data: str | bytes) -> dict[str, Any]:
    """What was sent, if it is an object; otherwise nothing, and the model says what is wrong."""
    try:
        sent = from_json(data)
    except ValueError:
        return {}
    return sent if isinstance(sent, dict) else {}


def _standing(contract: Contract, position: Any) -> Recorded[Any] | None:
    """What stands at that position; None too for a correction, which is not corrected itself."""
    if type(position) is not int:
        return None
    standing = standing_at(position, contract.history)
    if standing is None or isinstance(standing.decision, AboutHistory):
        return None
    return standing


class DecisionAnnulled(Correction, taken_by=ANY_BODY, basis="4"):
    """An earlier decision is taken away, by the body that took it; nothing replaces it."""

    fr = "Décision annulée"

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Misdirected | LaterDecisionImpossible]:
        wrong = list(_directed(contract, act, self.position))
        yield from wrong
        if not wrong:
            yield from _made_impossible(contract, act, self)

    def corrected(self, first: Recorded[Any]) -> None:
        return None
