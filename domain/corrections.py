"""Corrections: a decision about an earlier decision. The first one stays for ever.

Today's state is the history with the correction in its place; what was known before the
correction stays readable as it was.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from domain.act import Act, Body
from domain.canonical import canonical
from domain.decision import Decision, Recorded, judge
from domain.history import Correction, effective
from domain.rule import Finding, Rule
from domain.standing import Standing
from domain.values import KEEPER, UNCHANGED, Bilingual, Citation, PersonId, TextId, TextKeeper

if TYPE_CHECKING:
    from domain.contract import Contract

ANY_BODY = frozenset(Body)
NOT_SEALED = frozenset({Standing.UNDER_WAY, Standing.SUSPENDED})


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


class PartOfNoDecision(Rule, basis="LIPAD"):
    """What is erased is named by a decision of this contract."""

    fr = "« {id} » ne figure dans aucune décision de ce contrat."
    en = "“{id}” appears in no decision of this contract."


Misdirected = UnknownDecision | CorrectsACorrection | TakenByAnotherBody | AlreadyAnnulled


def _first(contract: Contract, position: int) -> Recorded[Any] | None:
    return next((r for r in contract.history if r.position == position), None)


def _directed(contract: Contract, act: Act, position: int) -> Iterator[Misdirected]:
    first = _first(contract, position)
    if first is None:
        yield UnknownDecision(position=position)
        return
    if isinstance(first.decision, Correction | _Erasure):
        yield CorrectsACorrection(position=position)
    if act.body is not first.act.body:
        yield TakenByAnotherBody(position=position, body=first.act.body)
    if any(
        isinstance(later.decision, DecisionAnnulled) and later.decision.position == position
        for later in contract.history
    ):
        yield AlreadyAnnulled(position=position)


def _refusals(history: list[Recorded[Any]], act: Act) -> Iterator[tuple[Recorded[Any], Finding]]:
    """Judge a whole history again, each decision on what came before it."""
    from domain.contract import Contract  # noqa: PLC0415 - the state knows corrections

    state = Contract(history[0].contract)
    for recorded in effective(history):
        if isinstance(recorded.decision, Correction):
            continue
        then = replace(recorded.act, today=act.today, reference=act.reference)
        for refusal in judge(recorded.decision, state, then).refusals:
            if not refusal.departable:
                yield recorded, refusal
        recorded.decision.apply(state, recorded.act)


def _made_impossible(
    contract: Contract, act: Act, correction: Correction
) -> Iterator[LaterDecisionImpossible]:
    """Binding findings that the correction brings about, and that were not there before."""
    if _first(contract, correction.position) is None:
        return
    before = {(recorded.position, found.id) for recorded, found in _refusals(contract.history, act)}
    last = contract.history[-1]
    corrected = [
        *contract.history,
        replace(last, position=last.position + 1, decision=correction, act=act),
    ]
    for recorded, found in _refusals(corrected, act):
        if (recorded.position, found.id) not in before:
            yield LaterDecisionImpossible(
                position=recorded.position,
                type=recorded.decision.label(),
                why=Bilingual(found.message("fr"), found.message("en")),
            )


def _without_gaps(decision: Decision) -> dict[str, Any]:
    return decision.model_dump(mode="json", exclude_none=True)


class DecisionRectified(Correction, taken_by=ANY_BODY, basis="4"):
    """An earlier decision is given other fields, by the body that took it.

    `fields` holds the corrected fields alone, in the form of that decision's own `data`; null
    takes an optional field away.
    """

    fr = "Décision rectifiée"
    standings = NOT_SEALED

    fields: Annotated[dict[str, Any], "corrected fields"] = Field(default_factory=dict)
    decided_on: dt.date | None = None

    @classmethod
    def parse(cls, data: str | bytes, *, keeper: TextKeeper, contract: Contract) -> Self:
        """Read the corrected fields as fields of the decision they correct."""
        sent = json.loads(data)
        first = _first(contract, sent["position"]) if _names_a_position(sent) else None
        if first is not None and isinstance(sent.get("fields"), dict):
            kind = type(first.decision)
            unchanged = _without_gaps(first.decision)
            merged = kind.model_validate_json(
                json.dumps({**unchanged, **sent["fields"]}),
                context={KEEPER: keeper, UNCHANGED: unchanged, "contract": contract},
            )
            written = merged.model_dump(mode="json")
            sent["fields"] = {name: written[name] for name in sent["fields"]}
        return super().parse(json.dumps(sent), keeper=keeper, contract=contract)

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Misdirected | NothingCorrected | LaterDecisionImpossible]:
        wrong = list(_directed(contract, act, self.position))
        yield from wrong
        first = _first(contract, self.position)
        if wrong or first is None:
            return
        corrected = self.corrected(first)
        if corrected == first:
            yield NothingCorrected(position=self.position)
        yield from _made_impossible(contract, act, self)

    def corrected(self, first: Recorded[Any]) -> Recorded[Any]:
        merged = {**_without_gaps(first.decision), **self.fields}
        present = {name: value for name, value in merged.items() if value is not None}
        return replace(
            first,
            decision=type(first.decision).model_validate_json(canonical(present)),
            act=replace(first.act, decided_on=self.decided_on or first.act.decided_on),
        )


def _names_a_position(sent: Any) -> bool:
    return isinstance(sent, dict) and type(sent.get("position")) is int


class DecisionAnnulled(Correction, taken_by=ANY_BODY, basis="4"):
    """An earlier decision is taken away, by the body that took it; nothing replaces it."""

    fr = "Décision annulée"
    standings = NOT_SEALED

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Misdirected | LaterDecisionImpossible]:
        wrong = list(_directed(contract, act, self.position))
        yield from wrong
        if not wrong:
            yield from _made_impossible(contract, act, self)

    def corrected(self, first: Recorded[Any]) -> None:
        return None


# --- Erasure ------------------------------------------------------------------------------------


class _Erasure(Decision):
    """What may be forgotten is taken out of the vault; every event stays as it was."""

    standings = frozenset(Standing) - {Standing.NEW}

    basis_of_erasure: Citation

    def _named_here(self, contract: Contract, identifier: str) -> Iterator[PartOfNoDecision]:
        quoted = f'"{identifier}"'
        for recorded in contract.history:
            if quoted in recorded.decision.model_dump_json():
                return
            if any(ref.text == identifier for ref in recorded.act.departures.values()):
                return
        yield PartOfNoDecision(id=identifier)


ERASERS = {Body.ADMINISTRATIVE_COUNCIL, Body.PROJECT_LEAD, Body.COORDINATOR}


class PersonErased(_Erasure, taken_by=ERASERS, basis="LIPAD"):
    """A person's identity is taken out of the vault, on a legal basis."""

    fr = "Identité effacée"

    person: PersonId

    def judge(self, contract: Contract, act: Act) -> Iterator[PartOfNoDecision]:
        yield from self._named_here(contract, self.person)


class TextErased(_Erasure, taken_by=ERASERS, basis="LIPAD"):
    """A free text is taken out of the vault, on a legal basis."""

    fr = "Texte effacé"

    text: TextId

    def judge(self, contract: Contract, act: Act) -> Iterator[PartOfNoDecision]:
        yield from self._named_here(contract, self.text)
