"""Export: a contract's decisions as a file that `import` reads, in the order of its history.

Importing it elsewhere gives the same history in content; positions, instants and the ids of
persons and texts are given out anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.chapters.corrections import DecisionRectified
from domain.chapters.erasure import TextErased
from domain.kernel.history import Correction
from domain.kernel.payload import content_of
from infra import vault
from infra.accounts import Role
from infra.eventstore.repository import history_of
from infra.exchange.handles import swap_persons
from infra.exchange.ndjson import write_line
from infra.recording.parsing import pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.decision import Decision, Recorded
    from domain.kernel.values import ContractId, PersonId

TEXTS_AT_ONCE = 200
"""Decisions whose texts are read from the vault in one query."""


def export_contract(
    contract_id: ContractId, *, names: bool = False, restricted: bool = True
) -> Iterator[bytes]:
    """The lines of the file: persons by handles, then the decisions, texts in clear.

    Args:
        contract_id: of the contract.
        names: say who the persons are; otherwise they are handles and nothing else.
        restricted: give the texts in residents' own words; otherwise a marker stands for them.

    Raises:
        UnknownContract: there is none of that id.
    """
    history = history_of(contract_id)
    naming = _Naming(history)
    known = vault.persons(naming.handles) if names else {}
    for person, handle in naming.handles.items():
        somebody = known.get(person)
        yield write_line(
            {
                "person": handle,
                "name": somebody and somebody.name,
                "contact": somebody and somebody.contact,
            }
        )
    reader = Role.ADMIN if restricted else None
    for start in range(0, len(history), TEXTS_AT_ONCE):
        lines = [naming.line(recorded) for recorded in history[start : start + TEXTS_AT_ONCE]]
        for line in vault.render(lines, reader=reader):
            yield write_line(line)


class _Naming:
    """The handles of the persons and the labels of the corrected decisions of one history."""

    def __init__(self, history: list[Recorded[Any]]) -> None:
        self._by_position = {recorded.position: recorded for recorded in history}
        self._labels: dict[int, str] = {}
        self._texts: dict[str, str] = {}
        self.handles: dict[PersonId, str] = {}
        erased = {r.decision.text for r in history if isinstance(r.decision, TextErased)}
        for recorded in history:
            self._swapped(recorded.decision)
            if isinstance(recorded.decision, Correction):
                corrected = self._by_position[recorded.decision.position]
                self._labels[corrected.position] = f"decision-{corrected.version}"
            content = content_of(recorded.decision, recorded.act)
            for text, at in _texts_in(content):
                if text in erased and text not in self._texts:
                    label = f"decision-{recorded.version}"
                    self._labels[recorded.position] = label
                    self._texts[text] = f"{label}#{at}"

    def line(self, recorded: Recorded[Any]) -> dict[str, Any]:
        """A decision in the words of the file, but for its texts, which are references still."""
        content = content_of(recorded.decision, recorded.act)
        return {
            "contract": recorded.contract,
            "label": self._labels.get(recorded.position),
            "decision": recorded.decision.slug,
            "decided_on": recorded.act.decided_on.isoformat(),
            "by": recorded.recorded_by,
            "body": recorded.act.body.value,
            **content,
            "data": self._swapped(recorded.decision),
        }

    def _swapped(self, decision: Decision) -> dict[str, Any]:
        data: dict[str, Any] = decision.model_dump(mode="json", exclude_none=True)
        data = swap_persons(type(decision), data, self._handle)
        if isinstance(decision, Correction):
            data["position"] = self._labels.get(decision.position)
        if isinstance(decision, DecisionRectified):
            kind = type(self._by_position[decision.position].decision)
            # As the program that reads the file has them, whatever schema they were written under.
            fields = kind.upcast(data["fields"], data.pop("written_under", 1))
            data["fields"] = swap_persons(kind, fields, self._handle)
        if isinstance(decision, TextErased):
            data["text"] = self._texts.get(decision.text, decision.text)
        return data

    def _handle(self, person: PersonId, _: str) -> str:
        return self.handles.setdefault(person, f"person-{len(self.handles) + 1}")


def _texts_in(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if value.keys() == {"text", "digest"}:
            yield value["text"], at
            return
        for key, each in value.items():
            yield from _texts_in(each, at + pointer(key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts_in(each, f"{at}/{index}")
