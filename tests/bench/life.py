"""A long life of a contract: what is asked for, chosen, paid for and done, over and over."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from domain.chapters.actions import ActionRetained
from domain.chapters.approval import RoadmapApproved, RoadmapEndorsed
from domain.chapters.commission import CommissionMet
from domain.chapters.corrections import DecisionAnnulled, DecisionRectified
from domain.chapters.credit import CreditRequested, CreditVoted
from domain.chapters.diagnosis import DiagnosisShared, NeedSetAside
from domain.chapters.follow_up import (
    ActionAssigned,
    ActionCompleted,
    ActionStarted,
    AssignmentAccepted,
    MilestoneReached,
    MilestoneSet,
    ProgressReported,
)
from domain.chapters.funding import ExpenditureRecorded, FundingRouteChosen, FundsCommitted
from domain.chapters.promotion import PromotionActivityHeld
from domain.chapters.referendum import CreditBecameEnforceable
from domain.chapters.roadmap import RoadmapAmended, RoadmapPresented, RoadmapSubmitted
from domain.kernel.history import Correction
from infra import vault
from infra.eventstore.repository import history_of
from infra.recording.recording import initiate, record
from infra.recording.refusals import Refused
from tests.bench.append import ACCOUNT, now
from tests.domain.given import Taken, person, take
from tests.domain.stages import COMMISSION, COUNCIL, SPENT, action, need, plenary

if TYPE_CHECKING:
    from domain.kernel.decision import Recorded

IN_GENEVA = {
    "green-spaces": "espaces-verts",
    "youth": "jeunesse",
    "roads": "voirie",
    "public-space": "espace-public",
    "mobility": "mobilite",
    "culture": "dcs",
    "environment": "deus",
    "finance": "dfl",
    "planning": "dca",
    "social": "dcss",
}
"""What the stories of the tests name, by its name in the city's reference data."""


def lived(name: str, size: int) -> str:
    """A contract of that many decisions, of thirty types; one in 170 corrects an earlier one."""
    for handle in ("anna", "bruno", "claire", "david", "emma"):
        vault.add_person(handle, by="bench", person_id=person(handle))
    told = itertools.chain(SPENT, itertools.chain.from_iterable(map(_round, itertools.count())))
    count = 0
    for number, taken in enumerate(told):
        _record(name, taken)
        count += 1
        if number % 170 == 169:
            _record(name, _correction(history_of(name), number // 170))
            count += 1
        if count >= size:
            return name
    raise AssertionError("rounds never end")  # pragma: no cover


def _record(name: str, taken: Taken) -> None:
    """Record it, with a reason for every departable rule that stands in its way."""
    written = json.dumps(taken.fields)
    for ours, theirs in IN_GENEVA.items():
        written = written.replace(f'"{ours}"', f'"{theirs}"')
    more: dict[str, Any] = {
        "body": taken.by,
        "decided_on": taken.decided_on,
        "account": ACCOUNT,
        "now": now(),
    }
    if taken.kind.slug == "contract-initiated":
        initiate(written.encode(), contract_id=name, **more)
        return
    try:
        record(name, taken.kind, written.encode(), **more)
    except Refused as refused:
        reasons = {finding.id: "Pour mesurer." for finding in refused.findings}
        record(name, taken.kind, written.encode(), departures=reasons, **more)


def _round(number: int) -> Iterator[Taken]:
    """From a need to what was done about it: by the budget of a service, or by a credit."""
    days = [(dt.date(2016, 6, 1) + dt.timedelta(3 * number + n)).isoformat() for n in range(3)]
    asked, left, done = f"need-{number}", f"left-{number}", f"action-{number}"
    held, version, step = f"plenary-{number}", number + 2, f"step-{number}"
    first, second, third = days
    yield from plenary(held, first, first, "needs", "work_and_priorities")
    yield need(asked, first)
    yield need(left, first)
    yield take(NeedSetAside, first, need=left, reason="Relève du canton.")
    yield take(DiagnosisShared, first, needs=[asked], text="Un besoin s'ajoute.")
    yield action(done, first, asked)
    yield take(ActionRetained, first, action=done)
    yield take(RoadmapAmended, first, version=version, actions=[done], reason="Un besoin.")
    yield take(RoadmapPresented, first, version=version, plenary=held, outcome="supported")
    yield take(RoadmapSubmitted, first, version=version)
    yield take(RoadmapEndorsed, second, version=version)
    verdict = {"action": done, "verdict": "approved"}
    yield take(RoadmapApproved, second, version=version, answers=[verdict])
    yield from (_by_credit if number % 2 else _by_budget)(done, second)
    yield take(ActionAssigned, second, by=COUNCIL, action=done, service="green-spaces")
    yield take(AssignmentAccepted, second, action=done)
    yield take(ActionStarted, second, action=done)
    if number % 2 == 0:
        yield take(FundsCommitted, second, action=done, amount="900", reference="C-1")
        yield take(ExpenditureRecorded, third, action=done, amount="899.95", reference="F-1")
    agreed: dict[str, Any] = {"by": COMMISSION, "action": done, "milestone": step}
    yield take(MilestoneSet, third, title="Arbres plantés", due="2050-01-01", **agreed)
    yield take(ProgressReported, third, by=COMMISSION, action=done, percent=90, text="Presque.")
    yield take(MilestoneReached, third, **agreed)
    yield take(CommissionMet, third, present=[person("anna"), person("claire")])
    yield take(
        PromotionActivityHeld,
        third,
        audience="Habitant-e-s",
        means="stall",
        place="Place",
        people_reached=4,
    )
    if number % 2 == 0:
        yield take(ActionCompleted, third, action=done)


def _by_budget(done: str, day: str) -> Iterator[Taken]:
    yield take(
        FundingRouteChosen,
        day,
        action=done,
        route="service_budget",
        service="green-spaces",
        budget_line="314.100",
        year=2016,
        amount="1000",
    )


def _by_credit(done: str, day: str) -> Iterator[Taken]:
    sums = {"gross": "1000", "net": "1000"}
    votes = {"yes": 60, "no": 10, "abstentions": 5}
    yield take(FundingRouteChosen, day, action=done, route="municipal_credit", amount="1000")
    yield take(CreditRequested, day, action=done, proposal="PR-1200", **sums)
    yield take(
        CreditVoted, day, action=done, deliberation="D-40 (181e)", votes=votes, urgent=True, **sums
    )
    yield take(CreditBecameEnforceable, day, action=done, enforceable_on=day)


def _correction(history: list[Recorded[Any]], number: int) -> Taken:
    """Of one of the last decisions of its type: other figures, or none at all."""

    def last(slug: str) -> Recorded[Any]:
        return [each for each in history if each.decision.slug == slug][-2]

    more: dict[str, Any] = {"reason": "Une erreur."}
    if number % 2:
        wrong = last("promotion-activity-held")
        kind: type[Correction] = DecisionAnnulled
    else:
        wrong, kind = last("progress-reported"), DecisionRectified
        more["fields"] = {"percent": 80}
    return take(kind, wrong.act.decided_on, by=wrong.act.body, position=wrong.position, **more)
