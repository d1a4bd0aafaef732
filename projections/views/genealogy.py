"""The genealogy answers: where does this come from, where did it lead, and why was it dropped?

A graph of what follows from what, each node under a key that says what it is:

    need:n1 -> action:a1 -> roadmap:1:a1 -> verdict:1:a1 -> route:a1:1 -> credit:a1:1:1
            -> delivery:a1 -> handover:a1:1

`leads_to` and `comes_from` are the same links, read forwards and backwards. Wherever something
was given up, `dropped` names the decision and its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.chapters.actions import ActionProposed, ActionRetained, ActionRevised, ActionSetAside
from domain.chapters.approval import RoadmapApproved, RoadmapEndorsed, RoadmapReturned, Verdict
from domain.chapters.credit import CreditRefused, CreditRequested, CreditVoted
from domain.chapters.diagnosis import DiagnosisShared, NeedExpressed, NeedSetAside, NeedsMerged
from domain.chapters.follow_up import ActionAbandoned, ActionCompleted, ActionStarted
from domain.chapters.funding import FundingRouteChosen, FundingRouteReplaced
from domain.chapters.handover import HandoverAccepted, HandoverDeclined, HandoverProposed
from domain.chapters.initiation import ContractInterrupted
from domain.chapters.referendum import CreditBecameEnforceable, CreditContested, CreditOverturned
from domain.chapters.roadmap import (
    RoadmapAmended,
    RoadmapDrafted,
    RoadmapPresented,
    RoadmapSubmitted,
)
from domain.kernel.decision import Recorded
from domain.kernel.values import ActionId, TextRef
from projections.engine.view import View
from projections.facts.facts import because, word
from projections.views.genealogy_document import Genealogy, Node, NodeKind, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

genealogy = View("genealogy", version=1, empty=Genealogy)


# --- Walking the graph --------------------------------------------------------------------------


def forwards(graph: Genealogy, key: str) -> Iterator[str]:
    """Everything that follows from this node, nearest first; the node itself is left out."""
    return _walk(graph, key, "leads_to")


def backwards(graph: Genealogy, key: str) -> Iterator[str]:
    """Everything this node follows from, nearest first."""
    return _walk(graph, key, "comes_from")


def _walk(graph: Genealogy, start: str, direction: str) -> Iterator[str]:
    seen, waiting = {start}, [start]
    for key in waiting:
        for following in getattr(graph.nodes[key], direction) if key in graph.nodes else ():
            if following not in seen:
                seen.add(following)
                waiting.append(following)
                yield following


# --- Growing the graph --------------------------------------------------------------------------


def _node(graph: Genealogy, key: str, recorded: Recorded[Any] | None = None) -> Node:
    """The node of that key, with this decision as its latest step."""
    node = graph.nodes.get(key)
    if node is None:
        node = graph.nodes[key] = Node(word(NodeKind, key.partition(":")[0]))
    if recorded is not None:
        node.steps.append(Step(recorded.act.decided_on, recorded.position, recorded.decision.slug))
    return node


def _link(graph: Genealogy, source: str, target: str) -> None:
    leads_to = _node(graph, source).leads_to
    if target not in leads_to:
        leads_to.append(target)
        _node(graph, target).comes_from.append(source)


def _unlink(graph: Genealogy, source: str, target: str) -> None:
    for keys, gone in (
        (_node(graph, source).leads_to, target),
        (_node(graph, target).comes_from, source),
    ):
        if gone in keys:
            keys.remove(gone)


def _drop(graph: Genealogy, key: str, recorded: Recorded[Any], reason: TextRef | None) -> None:
    _node(graph, key, recorded).dropped = because(recorded, reason)


# --- Needs and actions --------------------------------------------------------------------------


@genealogy.on(NeedExpressed)
def _(graph: Genealogy, decision: NeedExpressed, recorded: Recorded[Any]) -> None:
    _node(graph, f"need:{decision.need}", recorded).title = decision.title


@genealogy.on(NeedsMerged)
def _(graph: Genealogy, decision: NeedsMerged, recorded: Recorded[Any]) -> None:
    for need in decision.needs:
        _node(graph, f"need:{need}", recorded)
        _link(graph, f"need:{need}", f"need:{decision.into}")


@genealogy.on(NeedSetAside)
def _(graph: Genealogy, decision: NeedSetAside, recorded: Recorded[Any]) -> None:
    _drop(graph, f"need:{decision.need}", recorded, decision.reason)


@genealogy.on(DiagnosisShared)
def _(graph: Genealogy, decision: DiagnosisShared, recorded: Recorded[Any]) -> None:
    for need in decision.needs:
        _node(graph, f"need:{need}", recorded)


@genealogy.on(ActionProposed, ActionRevised)
def _(graph: Genealogy, decision: ActionProposed | ActionRevised, recorded: Recorded[Any]) -> None:
    key = f"action:{decision.action}"
    node = _node(graph, key, recorded)
    node.title = decision.title or node.title
    if decision.needs is None:
        return
    answered = [f"need:{need}" for need in decision.needs]
    for need in [known for known in node.comes_from if known not in answered]:
        _unlink(graph, need, key)
    for need in answered:
        _link(graph, need, key)


@genealogy.on(ActionRetained)
def _(graph: Genealogy, decision: ActionRetained, recorded: Recorded[Any]) -> None:
    _node(graph, f"action:{decision.action}", recorded).dropped = None
    graph.trails[decision.action].settled = False


@genealogy.on(ActionSetAside)
def _(graph: Genealogy, decision: ActionSetAside, recorded: Recorded[Any]) -> None:
    _drop(graph, f"action:{decision.action}", recorded, decision.reason)
    graph.trails[decision.action].settled = True


# --- The roadmap --------------------------------------------------------------------------------


@genealogy.on(RoadmapDrafted, RoadmapAmended)
def _(graph: Genealogy, decision: RoadmapDrafted | RoadmapAmended, recorded: Recorded[Any]) -> None:
    for action in decision.actions:
        place = f"roadmap:{decision.version}:{action}"
        _node(graph, place, recorded)
        _link(graph, f"action:{action}", place)
        graph.trails[action].place = place


def _places(graph: Genealogy, version: int) -> list[tuple[ActionId, str]]:
    """The actions whose last place is in that version."""
    prefix = f"roadmap:{version}:"
    return [
        (action, trail.place)
        for action, trail in graph.trails.items()
        if trail.place is not None and trail.place.startswith(prefix)
    ]


@genealogy.on(RoadmapPresented, RoadmapSubmitted, RoadmapEndorsed)
def _(
    graph: Genealogy,
    decision: RoadmapPresented | RoadmapSubmitted | RoadmapEndorsed,
    recorded: Recorded[Any],
) -> None:
    for _action, place in _places(graph, decision.version):
        _node(graph, place, recorded)


@genealogy.on(RoadmapReturned)
def _(graph: Genealogy, decision: RoadmapReturned, recorded: Recorded[Any]) -> None:
    for _action, place in _places(graph, decision.version):
        _drop(graph, place, recorded, decision.reasons)


@genealogy.on(RoadmapApproved)
def _(graph: Genealogy, decision: RoadmapApproved, recorded: Recorded[Any]) -> None:
    for answer in decision.answers:
        trail = graph.trails[answer.action]
        place = f"roadmap:{decision.version}:{answer.action}"
        key = f"verdict:{decision.version}:{answer.action}"
        node = _node(graph, key, recorded)
        _link(graph, place, key)
        if answer.verdict is Verdict.REFUSED:
            node.dropped = because(recorded, answer.reason)
            trail.settled = True
        elif trail.tip is None or trail.tip == trail.verdict:
            trail.tip, trail.settled = key, False
        trail.verdict = key


# --- Money --------------------------------------------------------------------------------------


def _grow(graph: Genealogy, action: ActionId, key: str, recorded: Recorded[Any]) -> Node:
    """A node that follows from where the action last was, and is where it is now."""
    trail = graph.trails[action]
    before = trail.tip or trail.verdict or f"action:{action}"
    node = _node(graph, key, recorded)
    if before != key:
        _link(graph, before, key)
    trail.tip = key
    return node


@genealogy.on(FundingRouteChosen, FundingRouteReplaced)
def _(
    graph: Genealogy,
    decision: FundingRouteChosen | FundingRouteReplaced,
    recorded: Recorded[Any],
) -> None:
    trail = graph.trails[decision.action]
    if isinstance(decision, FundingRouteReplaced) and trail.routes:
        _drop(graph, f"route:{decision.action}:{trail.routes}", recorded, decision.reason)
    trail.routes += 1
    trail.credits = 0
    key = f"route:{decision.action}:{trail.routes}"
    _grow(graph, decision.action, key, recorded).service = decision.service


@genealogy.on(CreditRequested)
def _(graph: Genealogy, decision: CreditRequested, recorded: Recorded[Any]) -> None:
    trail = graph.trails[decision.action]
    trail.credits += 1
    key = f"credit:{decision.action}:{trail.routes}:{trail.credits}"
    _grow(graph, decision.action, key, recorded)


def _credit(graph: Genealogy, action: ActionId) -> str:
    trail = graph.trails[action]
    return f"credit:{action}:{trail.routes}:{trail.credits}"


@genealogy.on(CreditVoted, CreditContested, CreditBecameEnforceable)
def _(
    graph: Genealogy,
    decision: CreditVoted | CreditContested | CreditBecameEnforceable,
    recorded: Recorded[Any],
) -> None:
    _node(graph, _credit(graph, decision.action), recorded)


@genealogy.on(CreditRefused)
def _(graph: Genealogy, decision: CreditRefused, recorded: Recorded[Any]) -> None:
    _drop(graph, _credit(graph, decision.action), recorded, decision.reason)


@genealogy.on(CreditOverturned)
def _(graph: Genealogy, decision: CreditOverturned, recorded: Recorded[Any]) -> None:
    _drop(graph, _credit(graph, decision.action), recorded, None)


# --- Delivery -----------------------------------------------------------------------------------


@genealogy.on(ActionStarted, ActionCompleted)
def _(graph: Genealogy, decision: ActionStarted | ActionCompleted, recorded: Recorded[Any]) -> None:
    _grow(graph, decision.action, f"delivery:{decision.action}", recorded)
    graph.trails[decision.action].settled = isinstance(decision, ActionCompleted)


@genealogy.on(ActionAbandoned)
def _(graph: Genealogy, decision: ActionAbandoned, recorded: Recorded[Any]) -> None:
    trail = graph.trails[decision.action]
    trail.settled = True
    key = trail.tip or trail.verdict or f"action:{decision.action}"
    _drop(graph, key, recorded, decision.reason)


@genealogy.on(HandoverProposed)
def _(graph: Genealogy, decision: HandoverProposed, recorded: Recorded[Any]) -> None:
    trail = graph.trails[decision.action]
    trail.handovers += 1
    key = f"handover:{decision.action}:{trail.handovers}"
    node = _grow(graph, decision.action, key, recorded)
    node.service, node.relay = decision.service, decision.relay


@genealogy.on(HandoverAccepted)
def _(graph: Genealogy, decision: HandoverAccepted, recorded: Recorded[Any]) -> None:
    trail = graph.trails[decision.action]
    trail.settled = True
    _node(graph, f"handover:{decision.action}:{trail.handovers}", recorded).dropped = None


@genealogy.on(HandoverDeclined)
def _(graph: Genealogy, decision: HandoverDeclined, recorded: Recorded[Any]) -> None:
    key = f"handover:{decision.action}:{graph.trails[decision.action].handovers}"
    _drop(graph, key, recorded, decision.reason)


@genealogy.on(ContractInterrupted)
def _(graph: Genealogy, decision: ContractInterrupted, recorded: Recorded[Any]) -> None:
    """What is named goes on elsewhere; what else was not settled is dropped with the contract."""
    for named in decision.continuations:
        trail = graph.trails[named.action]
        trail.handovers += 1
        key = f"handover:{named.action}:{trail.handovers}"
        node = _grow(graph, named.action, key, recorded)
        node.service, node.relay = named.service, named.relay
        trail.settled = True
    proposed = [key.removeprefix("action:") for key in graph.nodes if key.startswith("action:")]
    for action in proposed:
        trail = graph.trails[action]
        if not trail.settled:
            key = trail.tip or trail.verdict or trail.place or f"action:{action}"
            _drop(graph, key, recorded, decision.reason)
