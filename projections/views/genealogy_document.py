"""What the genealogy view answers with: a graph of what follows from what."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.kernel.values import ActionId, PersonId, ServiceId, Term, Title
from projections.facts.facts import Because, Book, Fact, book


class NodeKind(Term):
    """What a node of the graph is."""

    NEED = "need", "besoin", "need"
    ACTION = "action", "action", "action"
    ROADMAP = "roadmap", "inscription à la feuille de route", "place in the roadmap"
    VERDICT = "verdict", "réponse du Conseil administratif", "council's answer"
    ROUTE = "route", "financement", "funding route"
    CREDIT = "credit", "crédit", "credit"
    DELIVERY = "delivery", "réalisation", "delivery"
    HANDOVER = "handover", "remise à un relais", "handover"


@dataclass(slots=True)
class Step(Fact):
    """A decision about the node, by the slug of its type."""

    type: str


@dataclass(slots=True)
class Node:
    """One thing, the decisions about it, and what it comes from and leads to.

    Needs and actions have a title; the others are about the action that their key names.
    """

    kind: NodeKind
    title: Title | None = None
    service: ServiceId | None = None
    relay: PersonId | None = None
    steps: list[Step] = field(default_factory=list)
    dropped: Because | None = None
    comes_from: list[str] = field(default_factory=list)
    leads_to: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Trail:
    """How far an action has come in the graph: the keys of its last nodes."""

    place: str | None = None
    verdict: str | None = None
    tip: str | None = None
    routes: int = 0
    credits: int = 0
    handovers: int = 0
    settled: bool = False


@dataclass(slots=True)
class Genealogy:
    """The graph. `trails` says where each action is in it."""

    nodes: dict[str, Node] = field(default_factory=dict)
    trails: Book[ActionId, Trail] = book(Trail)
