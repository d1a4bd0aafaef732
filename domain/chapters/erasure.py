"""Erasure: what may be forgotten is taken out of the vault; every event stays as it was (LIPAD)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.kernel.act import Act, Body
from domain.kernel.history import AboutHistory
from domain.kernel.rule import Rule
from domain.kernel.values import Citation, PersonId, TextId

if TYPE_CHECKING:
    from domain.kernel.contract import Contract


class PartOfNoDecision(Rule, basis="LIPAD"):
    """What is erased is named by a decision of this contract."""

    fr = "« {id} » ne figure dans aucune décision de ce contrat."
    en = "“{id}” appears in no decision of this contract."


class _Erasure(AboutHistory):
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
