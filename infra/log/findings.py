"""What can be wrong with a log, each by name, with a sentence in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.kernel.values import Bilingual, Term

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fault(Term):
    """The names of what can be wrong."""

    EVENT_ALTERED = (
        "event-altered",
        "La décision {position} n'est plus celle qui a été scellée.",
        "Decision {position} is no longer the one that was sealed.",
    )
    EVENTS_SWAPPED = (
        "events-swapped",
        "Les décisions {position} et {other} ont été échangées.",
        "Decisions {position} and {other} were swapped.",
    )
    EVENT_MISSING = (
        "event-missing",
        "La décision {position}, qui a été scellée, manque.",
        "Decision {position}, which was sealed, is missing.",
    )
    EVENT_MOVED = (
        "event-moved",
        "La décision scellée à la position {other} se trouve à la position {position}.",
        "The decision that was sealed at position {other} stands at position {position}.",
    )
    TILE_ALTERED = (
        "tile-altered",
        "La tuile {tile} a été modifiée ou manque.",
        "Tile {tile} was altered, or is missing.",
    )
    CHECKPOINT_ALTERED = (
        "checkpoint-altered",
        "Le point de contrôle de taille {size} ne correspond pas au journal.",
        "The checkpoint of size {size} does not match the log.",
    )
    CHECKPOINT_NOT_OURS = (
        "checkpoint-not-ours",
        "Le point de contrôle de taille {size} n'est pas signé par une clé du journal : {why}.",
        "The checkpoint of size {size} is not signed by a key of the log: {why}.",
    )
    LOG_CUT = (
        "log-cut",
        "Le journal a {size} décisions ; il en avait scellé {sealed}.",
        "The log has {size} decisions; it had sealed {sealed}.",
    )
    LOG_ROLLED_BACK = (
        "log-rolled-back",
        "Le journal montre {size} décisions scellées ; un arbre de {kept} a déjà été signé.",
        "The log shows {size} sealed decisions; a tree of {kept} was signed before.",
    )
    LOG_FORKED = (
        "log-forked",
        "Le journal contredit l'arbre de taille {kept} qui a été signé.",
        "The log contradicts the tree of size {kept} that was signed.",
    )
    MARK_UNREADABLE = (
        "mark-unreadable",
        "Ce que la clé a signé en dernier ne peut être lu ({file}) : {why}.",
        "What the key has signed last cannot be read ({file}): {why}.",
    )


@dataclass(frozen=True, slots=True)
class LogFinding:
    """One thing that is wrong, with the facts."""

    fault: Fault
    facts: Mapping[str, Any]

    @property
    def message(self) -> Bilingual:
        """The sentence with its facts."""
        return Bilingual(self.fault.fr.format(**self.facts), self.fault.en.format(**self.facts))

    def as_json(self) -> dict[str, Any]:
        """As `quartier check --json` shows it."""
        message = self.message
        return {
            "code": str(self.fault),
            "facts": dict(self.facts),
            "fr": message.fr,
            "en": message.en,
        }

    def __str__(self) -> str:
        return f"{self.fault}: {self.message.en}"


def finding(fault: Fault, **facts: Any) -> LogFinding:
    """A finding; the facts are those that its sentence names."""
    return LogFinding(fault, facts)


class Refused(Exception):
    """Nothing was signed: it would contradict what was signed before."""

    def __init__(self, found: LogFinding) -> None:
        super().__init__(str(found))
        self.finding = found
