"""What a file names in its own words, and what that stands for in the store."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from domain.chapters.corrections import DecisionRectified
from domain.chapters.erasure import TextErased
from domain.kernel.history import Correction
from domain.kernel.payload import content_of
from infra import vault
from infra.exchange.handles import swap_persons
from infra.recording.refusals import FieldError, InvalidFields

if TYPE_CHECKING:
    from domain.kernel.contract import Contract
    from domain.kernel.decision import Decision, Recorded
    from domain.kernel.values import PersonId
    from infra.exchange.ndjson import PersonLine
    from infra.recording.submission import Draft

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Names:
    """The handles and labels of one file.

    A handle gets its id when a decision first names it: of the person whom the store knows, if
    that decision is there already, and a new one if it is not. Somebody whom nothing names is
    not kept.

    known: ids of persons that are in the store, or will be with this file.
    """

    def __init__(self) -> None:
        self._declared: dict[str, PersonLine] = {}
        self._ids: dict[str, PersonId] = {}
        self._handles: dict[PersonId, str] = {}
        self._unsure: dict[str, PersonId] = {}
        self._labels: dict[str, Recorded[Any]] = {}
        self._ahead: set[int] = set()
        self.known: set[PersonId] = set()

    def declare(self, line: PersonLine) -> FieldError | None:
        """Take in a person; what is wrong if the handle is somebody else's."""
        known = self._declared.setdefault(line.person, line)
        if known == line:
            return None
        return FieldError("/person", "duplicate", f"The handle “{line.person}” is taken above.")

    def resolve(
        self, kind: type[Decision], contract: Contract, data: dict[str, Any]
    ) -> dict[str, Any]:
        """The fields with ids and positions in the place of handles and labels.

        Raises:
            InvalidFields: a handle or a label that does not stand above.
        """
        errors: list[FieldError] = []
        self._unsure = {}
        resolved = self._persons(kind, data, "/data", errors)
        if issubclass(kind, Correction) and isinstance(label := data.get("position"), str):
            resolved["position"] = self._position(label, errors)
        if issubclass(kind, TextErased) and "#" in str(data.get("text")):
            resolved["text"] = self._text(data["text"], errors)
        fields = resolved.get("fields")
        if issubclass(kind, DecisionRectified) and isinstance(fields, dict):
            first = self.corrected(kind, contract, resolved)
            if first is not None:
                resolved["fields"] = self._persons(
                    type(first.decision), fields, "/data/fields", errors
                )
        if errors:
            raise InvalidFields(errors)
        return resolved

    def corrected(
        self, kind: type[Decision], contract: Contract, data: dict[str, Any]
    ) -> Recorded[Any] | None:
        """The decision that a correction is about."""
        if not issubclass(kind, Correction):
            return None
        position = data.get("position")
        return next((each for each in contract.history if each.position == position), None)

    def take_persons(self, *, by: str) -> list[dict[str, Any]]:
        """The new persons of the decision just resolved, for the vault; they are known now."""
        persons = []
        for handle, person_id in self._unsure.items():
            line = self._declared[handle]
            person = {"id": person_id, "name": line.name, "contact": line.contact}
            persons.append(person | {"created_by": by})
            self._ids[handle] = person_id
            self.known.add(person_id)
        return persons

    def are_same(self, mine: tuple[PersonId, ...], theirs: tuple[PersonId, ...]) -> bool:
        """Whether the store's persons are those of the decision just resolved, one by one."""
        asked = dict(zip(mine, theirs, strict=True))
        new = {my: their for my, their in asked.items() if my != their}
        if any(self._handles.get(my) not in self._unsure for my in new):
            return False
        stored = vault.persons(set(new.values()))
        return all(
            _is_same(self._declared[self._handles[my]], stored.get(their))
            for my, their in new.items()
        )

    def bind(self, mine: tuple[PersonId, ...], theirs: tuple[PersonId, ...]) -> None:
        """Let the handles of the decision just resolved stand for the store's persons."""
        for my, their in zip(mine, theirs, strict=True):
            handle = self._handles.get(my)
            if handle in self._unsure:
                self._ids[handle] = their
                self._handles[their] = handle
                self.known.add(their)

    def demand_new(self, label: str | None) -> None:
        """Raise InvalidFields if the label is taken."""
        if label in self._labels:
            message = f"The label “{label}” is taken above."
            raise InvalidFields([FieldError("/label", "duplicate", message)])

    def label(self, label: str | None, recorded: Recorded[Any], *, ahead: bool) -> None:
        """Let a new label stand for a decision; `ahead` if its position may still change."""
        if label is None:
            return
        self._labels[label] = recorded
        if ahead:
            self._ahead.add(recorded.position)

    def is_ahead(self, draft: Draft) -> bool:
        """Whether a decision names a position that may still change."""
        decision = draft.decision
        return isinstance(decision, Correction) and decision.position in self._ahead

    def _persons(
        self, kind: type[Decision], data: dict[str, Any], at: str, errors: list[FieldError]
    ) -> dict[str, Any]:
        def stands_for(handle: str, pointer: str) -> str:
            if known := self._ids.get(handle) or self._unsure.get(handle):
                return known
            if handle in self._declared:
                self._unsure[handle] = new = str(uuid.uuid4())
                self._handles[new] = handle
                return new
            if not _UUID.fullmatch(handle):
                message = f"No person “{handle}” stands above: persons come first."
                errors.append(FieldError(pointer, "unknown_handle", message))
            return handle

        resolved: dict[str, Any] = swap_persons(kind, dict(data), stands_for, at=at)
        return resolved

    def _position(self, label: str, errors: list[FieldError]) -> int:
        if label in self._labels:
            return self._labels[label].position
        errors.append(_unknown_label("/data/position", label))
        return 0

    def _text(self, named: str, errors: list[FieldError]) -> str:
        label, _, pointer = named.partition("#")
        if label not in self._labels:
            errors.append(_unknown_label("/data/text", label))
            return named
        recorded = self._labels[label]
        value: Any = content_of(recorded.decision, recorded.act)
        try:
            for step in pointer.removeprefix("/").split("/"):
                value = value[int(step) if isinstance(value, list) else step]
            return str(value["text"])
        except (IndexError, KeyError, TypeError, ValueError):
            message = f"There is no text at “{pointer}” of “{label}”."
            errors.append(FieldError("/data/text", "unknown_text", message))
            return named


def _is_same(line: PersonLine, stored: vault.Person | None) -> bool:
    """Whether the vault's person may be the file's; one without a name may be anybody."""
    if stored is None:
        return False
    if line.name is None or stored.name is None:
        return True
    return (line.name, line.contact) == (stored.name, stored.contact)


def _unknown_label(pointer: str, label: str) -> FieldError:
    message = f"No line with the label “{label}” stands above."
    return FieldError(pointer, "unknown_label", message)
