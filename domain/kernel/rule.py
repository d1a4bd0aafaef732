"""Rules: named values that say what the Cadre asks for and which facts stand against it.

A rule is a class; a *finding* is an instance of it, with its facts. A binding rule refuses; a
departable one ("devrait") may be departed from with a written justification.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar, Self

from domain.kernel.values import Bilingual, Term

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.act import Act
    from domain.kernel.contract import Contract
    from domain.kernel.values import Language

Fact = str | int | date | Decimal | Term | Bilingual | tuple[str, ...]
"""What a finding states: JSON can hold it, and both languages can say it."""

_FRENCH = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_ENGLISH = "January February March April May June July August September October November December"
_MONTHS = {"fr": tuple(_FRENCH.split()), "en": tuple(_ENGLISH.split())}


def kebab(name: str) -> str:
    """`PromotionTooShort` -> `promotion-too-short`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def say(fact: Fact, language: Language) -> str:
    """A fact as a person reads it: dates in words, francs with thousands set apart."""
    match fact:
        case Term():
            return fact.label.to(language)
        case Bilingual():
            return fact.to(language)
        case date():
            month = _MONTHS[language][fact.month - 1]
            day = "1er" if fact.day == 1 and language == "fr" else str(fact.day)
            return f"{day} {month} {fact.year}"
        case Decimal():
            return f"CHF {fact:,.2f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        case tuple():
            return ", ".join(fact)
        case _:
            return str(fact)


class Rule:
    """One requirement, by name. Subclasses state it; instances are findings against it.

    Class arguments:
        basis: the paragraph of the Cadre it rests on, such as `4.1`, or the law it quotes.
        departable: the Cadre says "should": a written justification may set it aside.

    Both sentences name their facts in braces, and name the same ones.
    """

    id: ClassVar[str]
    basis: ClassVar[str]
    departable: ClassVar[bool]
    fr: ClassVar[str]
    en: ClassVar[str]
    asks_for: ClassVar[frozenset[str]]
    registry: ClassVar[dict[str, type[Rule]]] = {}

    def __init_subclass__(cls, *, basis: str, departable: bool = False) -> None:
        cls.id = kebab(cls.__name__)
        cls.basis = basis
        cls.departable = departable
        named = [
            {field for _, field, _, _ in Formatter().parse(sentence) if field is not None}
            for sentence in (cls.fr, cls.en)
        ]
        if named[0] != named[1]:
            raise TypeError(f"{cls.__name__}: both sentences must use the same facts, not {named}")
        if Rule.registry.get(cls.id, cls).__module__ != cls.__module__:
            raise TypeError(f"{cls.__name__}: the rule id {cls.id} is taken")
        cls.asks_for = frozenset(named[0])
        Rule.registry[cls.id] = cls

    def __init__(self, **facts: Fact) -> None:
        if facts.keys() != self.asks_for:
            raise TypeError(f"{type(self).__name__} states {set(self.asks_for)}, not {set(facts)}")
        self.facts = facts

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        """Find this rule broken by the contract alone, whatever the decision will say.

        Only rules that a decision type lists under `requires` have one: they also answer what
        can be decided now, and what stands in the way.
        """
        raise TypeError(f"{cls.__name__} judges a decision's fields: yield it from `judge`")

    def message(self, language: Language) -> str:
        sentence = self.fr if language == "fr" else self.en
        return sentence.format(**{name: say(fact, language) for name, fact in self.facts.items()})

    def as_json(self, language: Language) -> dict[str, Any]:
        """The finding in the shape of a problem's `findings`."""
        return {
            "rule": self.id,
            "basis": self.basis,
            "departable": self.departable,
            "message": self.message(language),
            "facts": {name: _plain(fact, language) for name, fact in self.facts.items()},
        }

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.facts == other.facts

    def __hash__(self) -> int:
        return hash((type(self), tuple(sorted(self.facts))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.facts.items())})"


Finding = Rule


def _plain(fact: Fact, language: Language) -> str | int | list[str]:
    match fact:
        case Term():
            return str(fact)
        case Bilingual():
            return fact.to(language)
        case date():
            return fact.isoformat()
        case Decimal():
            return f"{fact:.2f}"
        case tuple():
            return list(fact)
        case _:
            return fact
