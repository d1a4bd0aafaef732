"""What the Cadre asks of a contract, paragraph by paragraph, and how the facts answer."""

from __future__ import annotations

from datetime import date

from domain.closure import ClosedBeforeItsTime
from domain.commission import NoParity, OneSideAbsent
from domain.diagnosis import DiagnosisTooLong, DiagnosisTooShort
from domain.framework import Framework
from domain.gathering import PlenaryOverdue, Purpose
from domain.initiation import DepartmentInformed, InformedAfterTheLaunch, MunicipalCouncilInformed
from domain.plenaries import DepartmentsNotInformed, MunicipalCouncilNotInformed, PromotionTooShort
from projections.facts import Fact
from projections.requirement import Answer, Facts, State, asks, once, unless


def _launch_day(facts: Facts) -> date | None:
    return facts.launched.decided_on if facts.launched else None


@asks(
    "transversal-need",
    "1.1",
    "Les besoins dépassent les simples mesures techniques : le contrat est motivé.",
    "Needs go beyond mere technical measures: the contract is justified.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.initiated, facts, today=today)


@asks(
    "perimeter",
    "2",
    "Le Conseil administratif arrête le périmètre.",
    "The administrative council sets the perimeter.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.perimeter, facts, due=_launch_day(facts), today=today)


@asks(
    "coordinator",
    "2",
    "Un-e coordinateur-trice est responsable du contrat.",
    "A coordinator is responsible for the contract.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.coordinator, facts, due=_launch_day(facts), today=today)


@asks(
    "service-delegates",
    "2",
    "Le Conseil administratif nomme les représentant-e-s de l'administration.",
    "The administrative council names who represents the administration.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.service_delegate, facts, today=today)


@asks(
    "purposes",
    "3.1",
    "Les conférences de quartier servent les quatre buts du Cadre.",
    "The plenaries serve the four purposes of the framework.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    first: dict[Purpose, Fact] = {}
    for plenary in facts.plenaries:
        for purpose in plenary.purposes:
            first.setdefault(purpose, plenary)
    missing = [purpose.value for purpose in Purpose if purpose not in first]
    by: list[Fact | None] = [*{f.position: f for f in first.values()}.values()]
    if not missing:
        return Answer(State.MET, by=by)
    return Answer(State.BROKEN if facts.ended else State.PENDING, by=by, missing=missing)


@asks(
    "yearly-plenary",
    "3.1",
    "Une conférence de quartier a lieu au moins une fois l'an.",
    "A plenary takes place at least once a year.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer | None:
    every = framework.plenary_every
    if every is None:
        return None
    if not facts.plenaries:
        return Answer(State.BROKEN if facts.ended else State.PENDING, by=[facts.ended])
    held = sorted(facts.plenaries, key=lambda plenary: plenary.decided_on)
    until = facts.closing or facts.ended
    steps: list[Fact] = [*held, *([until] if until else [])]
    late = [
        after
        for before, after in zip(held, steps[1:], strict=False)
        if after.decided_on > every.after(before.decided_on)
    ]
    due = None if until else every.after(held[-1].decided_on)
    departed = {d.position: d for d in facts.departed(PlenaryOverdue)}
    answer = Answer(State.MET, due, [*held])
    if late:
        unjustified = [fact for fact in late if fact.position not in departed]
        answer.by = [*held, *(fact for fact in late if fact is until)]
        answer.departures = list(departed.values())
        answer.state = State.MET_LATE if unjustified else State.DEPARTED
        if any(fact is until for fact in unjustified):
            answer.state = State.BROKEN
    if due is not None and today > due:
        answer.state = State.BROKEN
    return answer


@asks(
    "parity",
    "3.2",
    "La commission de coordination est paritaire.",
    "The coordination commission sits on equal terms.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer | None:
    if not framework.parity:
        return None
    commission = facts.commission
    answer = once(commission.constituted, facts, today=today)
    if commission.constituted is None:
        return answer
    if commission.accepted_difference:
        answer.state = State.BROKEN
    unless(answer, [d for d in facts.departed(NoParity) if _is(d, commission.constituted)])
    if commission.lost is not None:
        answer.state = State.BROKEN
        answer.by.append(commission.lost)
    return answer


def _is(one: Fact, other: Fact) -> bool:
    return one.position == other.position


@asks(
    "both-sides-meet",
    "3.2",
    "La commission siège avec des délégué-e-s du quartier et des services.",
    "The commission meets with delegates of both sides.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return unless(once(facts.meeting, facts, today=today), facts.departed(OneSideAbsent))


@asks(
    "openness",
    "3.2",
    "La commission diffuse les activités et maintient l'ouverture à toutes et à tous.",
    "The commission makes its activities known and keeps the process open to all.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.openness, facts, today=today)


@asks(
    "working-groups",
    "3.3",
    "Des groupes de travail se réunissent à l'initiative de la commission.",
    "Working groups meet at the initiative of the commission.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.group, facts, today=today)


@asks(
    "council-informed",
    "4.1",
    "Le Conseil municipal est informé avant la première conférence.",
    "The municipal council is informed before the first plenary.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return unless(
        once(facts.council_informed, facts, due=_launch_day(facts), today=today),
        facts.departed(MunicipalCouncilNotInformed)
        + facts.departed(InformedAfterTheLaunch, type_=MunicipalCouncilInformed.slug),
    )


@asks(
    "departments-informed",
    "4.1",
    "Les départements sont informés avant la première conférence.",
    "The departments are informed before the first plenary.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    informed = sorted(facts.departments.values(), key=lambda fact: fact.decided_on)
    enough = informed[framework.departments - 1] if len(informed) >= framework.departments else None
    answer = once(enough, facts, due=_launch_day(facts), today=today)
    answer.by = [*informed]
    return unless(
        answer,
        facts.departed(DepartmentsNotInformed)
        + facts.departed(InformedAfterTheLaunch, type_=DepartmentInformed.slug),
    )


@asks(
    "promotion-time",
    "4.1",
    "La promotion dure au moins trois à quatre mois avant la première conférence.",
    "Promotion lasts at least three to four months before the first plenary.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer | None:
    least = framework.promotion_at_least
    if least is None:
        return None
    due = least.after(facts.promotion.decided_on) if facts.promotion else None
    launched = facts.launched
    if launched is None:
        answer = once(None, facts, today=today)
        answer.due = due
    else:
        enough = due is not None and launched.decided_on >= due
        answer = Answer(State.MET if enough else State.BROKEN, due, [facts.promotion, launched])
    return unless(answer, facts.departed(PromotionTooShort))


@asks(
    "promotion-goes-on",
    "4.1",
    "La promotion reste active tout au long du processus.",
    "Promotion stays active all along.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    last, launched = facts.last_activity, facts.launched
    since = last and launched and last.decided_on >= launched.decided_on
    return once(last if since else None, facts, today=today)


@asks(
    "diagnosis-time",
    "4.2",
    "Le diagnostic est partagé sept à dix mois après le lancement.",
    "The diagnosis is shared seven to ten months after the launch.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer | None:
    least, most = framework.diagnosis_at_least, framework.diagnosis_at_most
    if least is None or most is None:
        return None
    day = _launch_day(facts)
    answer = once(facts.diagnosis, facts, due=most.after(day) if day else None, today=today)
    if day and facts.diagnosis and facts.diagnosis.decided_on < least.after(day):
        answer.state = State.BROKEN
    return unless(answer, facts.departed(DiagnosisTooLong, DiagnosisTooShort))


# --- The roadmap (§4.3) -------------------------------------------------------------------------


@asks(
    "put-to-the-neighbourhood",
    "4.3",
    "La feuille de route est soumise à l'ensemble du quartier.",
    "The roadmap is put to the whole neighbourhood.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.presented, facts, today=today)


@asks(
    "endorsed",
    "4.3",
    "La feuille de route est approuvée par le Comité de pilotage.",
    "The roadmap is endorsed by the steering committee.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.endorsed, facts, today=today)


@asks(
    "approved",
    "4.3",
    "Le Conseil administratif valide, ou non, les actions proposées.",
    "The administrative council approves, or not, the actions proposed.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.approved, facts, today=today)


def _for_each_approved(facts: Facts, name: str, until: Fact | None) -> Answer:
    """Met once every approved action has it; broken if something is wanting at the end."""
    approved = facts.approved_actions()
    done = {key: getattr(action, name) for key, action in approved.items()}
    missing = [key for key, fact in done.items() if fact is None]
    by: list[Fact | None] = [fact for fact in done.values() if fact is not None]
    if approved and not missing:
        return Answer(State.MET, by=by)
    if until is not None and (missing or facts.approved is None):
        return Answer(State.BROKEN, by=[*by, until], missing=missing)
    return Answer(State.PENDING if until is None else State.MET, by=by, missing=missing)


@asks(
    "funding-decided",
    "4.3",
    "Le financement de chaque action approuvée est décidé.",
    "The funding of every approved action is decided.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return _for_each_approved(facts, "routed", facts.ended)


@asks(
    "service-responsible",
    "4.4",
    "Un service municipal est responsable de chaque action approuvée.",
    "A municipal service is responsible for every approved action.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return _for_each_approved(facts, "assigned", facts.ended)


# --- The end (§4.5) -----------------------------------------------------------------------------


@asks(
    "four-years",
    "4.5",
    "Le contrat dure quatre ans dès son lancement.",
    "The contract lasts four years from its launch.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer | None:
    lasts, launched = framework.lasts, facts.launched
    if lasts is None:
        return None
    due = lasts.after(launched.decided_on) if launched else None
    if facts.closing is None:
        # The term says from when on it may close, not by when: until it does, it is awaited.
        answer = once(None, facts, today=today)
        answer.due = due
        return answer
    early = due is not None and facts.closing.decided_on < due
    answer = Answer(State.BROKEN if early else State.MET, due, [launched, facts.closing])
    return unless(answer, facts.departed(ClosedBeforeItsTime))


@asks(
    "actions-go-on",
    "4.5",
    "À la fin, chaque action est achevée ou se poursuit sous la responsabilité d'un relais.",
    "At the end, every action is complete or goes on under the responsibility of a relay.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return _for_each_approved(facts, "settled", facts.ended)
