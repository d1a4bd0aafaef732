"""Whether a decision that a file brings is in the store already, told by its content.

Two decisions are the same if type, body, day, fields, evidence and justifications are; texts are
compared as the vault has them (an erased one could have said anything), persons by who they are.
Each stored decision answers for one line only, so that what was decided twice is recorded twice.
No digest of what was imported is kept: it could be guessed at once a text is erased.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from domain.chapters.corrections import DecisionRectified
from domain.chapters.erasure import TextErased
from domain.kernel.canonical import canonical
from domain.kernel.payload import content_of
from infra import vault
from infra.accounts import Role
from infra.exchange.handles import swap_persons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domain.kernel.act import Act
    from domain.kernel.contract import Contract
    from domain.kernel.decision import Decision, Recorded
    from domain.kernel.values import PersonId

_TEXT: Final = {"text", "digest"}


@dataclass(frozen=True, slots=True)
class Likeness:
    """A decision's content, with what stands for persons and texts taken out, in order."""

    key: bytes
    persons: tuple[PersonId, ...]
    texts: tuple[str, ...]


def likeness(decision: Decision, act: Act, contract: Contract) -> Likeness:
    """What a decision is compared by.

    Args:
        decision: as stored, or as read from a file.
        act: its circumstances.
        contract: where a correction finds what it corrects.
    """
    persons: list[PersonId] = []
    texts: list[str] = []

    def take_person(person: str, _: str) -> str:
        persons.append(person)
        return ""

    content = content_of(decision, act)
    content["data"] = swap_persons(type(decision), content["data"], take_person)
    if isinstance(decision, DecisionRectified):
        first = next((r for r in contract.history if r.position == decision.position), None)
        if first is not None:
            content["data"]["fields"] = swap_persons(
                type(first.decision), content["data"]["fields"], take_person
            )
    if isinstance(decision, TextErased):
        content["data"]["text"] = ""  # its id is the store's own
    key = [decision.slug, act.body.value, act.decided_on.isoformat(), _masked(content, texts)]
    return Likeness(canonical(key), tuple(persons), tuple(texts))


def _masked(value: Any, texts: list[str]) -> Any:
    if isinstance(value, dict):
        if value.keys() == _TEXT:
            texts.append(value["text"])
            return None
        return {key: _masked(value[key], texts) for key in sorted(value)}
    if isinstance(value, list):
        return [_masked(each, texts) for each in value]
    return value


class Stored:
    """The decisions that a contract had before the file, each to be matched once."""

    def __init__(self, contract: Contract) -> None:
        self._by_key: defaultdict[bytes, list[tuple[Recorded[Any], Likeness]]] = defaultdict(list)
        for recorded in contract.history:
            alike = likeness(recorded.decision, recorded.act, contract)
            self._by_key[alike.key].append((recorded, alike))

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing, or all of it is matched."""
        return not any(self._by_key.values())

    def match(
        self,
        alike: Likeness,
        texts: Iterable[str],
        same_persons: Callable[[tuple[PersonId, ...]], bool],
    ) -> tuple[Recorded[Any], tuple[PersonId, ...]] | None:
        """Take out the first stored decision that is the same, with the persons it names.

        Args:
            alike: of the decision in the file.
            texts: its texts in clear, in the order of `alike.texts`.
            same_persons: whether these are the persons that the file means.
        """
        candidates = self._by_key.get(alike.key, [])
        said = list(texts)
        for index, (recorded, stored) in enumerate(candidates):
            if same_persons(stored.persons) and _say_the_same(stored.texts, said):
                del candidates[index]
                return recorded, stored.persons
        return None


def _say_the_same(stored: tuple[str, ...], said: list[str]) -> bool:
    read = vault.texts(stored, reader=Role.ADMIN)
    return all(read[text] in {one, vault.ERASED.fr} for text, one in zip(stored, said, strict=True))
