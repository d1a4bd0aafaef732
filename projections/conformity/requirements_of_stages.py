"""What §4 asks for: promotion, diagnosis, roadmap, follow-up and closure, each in its time."""

from __future__ import annotations

from datetime import date

from domain.chapters.closure import ClosedBeforeItsTime
from domain.chapters.diagnosis import DiagnosisTooLong, DiagnosisTooShort
from domain.chapters.initiation import (
    DepartmentInformed,
    InformedAfterTheLaunch,
    MunicipalCouncilInformed,
)
from domain.chapters.plenaries import (
    DepartmentsNotInformed,
    MunicipalCouncilNotInformed,
    PromotionTooShort,
)
from domain.kernel.framework import Framework
from projections.conformity.requirement import (
    Answer,
    Facts,
    State,
    asks,
    launch_day,
    months_between,
    once,
    unless,
)
from projections.facts.facts import Fact

# --- Promotion (§4.1) ---------------------------------------------------------------------------


@asks(
    "audiences",
    "4.1",
    "Les moyens de la promotion sont pensés pour les publics auxquels ils s'adressent.",
    "The means of promotion suit the audiences they are meant for.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    reached = sorted(facts.reached.values(), key=lambda fact: fact.position)
    begun = facts.promotion if reached else None
    answer = once(begun, facts, today=today)
    answer.by = [facts.promotion, *reached, *([] if begun else [facts.ended])]
    forgotten = tuple(each for each in facts.audiences if each not in facts.reached)
    if facts.audiences:
        answer.say("Publics visés : {all}.", "Meant for: {all}.", all=facts.audiences)
    if forgotten:
        answer.say(
            "Sans activité à leur intention : {forgotten}.",
            "No activity meant for: {forgotten}.",
            forgotten=forgotten,
        )
    return answer


@asks(
    "council-informed",
    "4.1",
    "Le Conseil municipal est informé avant la première conférence.",
    "The municipal council is informed before the first plenary.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return unless(
        once(facts.council_informed, facts, due=launch_day(facts), today=today),
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
    answer = once(enough, facts, due=launch_day(facts), today=today)
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
        if facts.promotion:
            answer.say(
                "La promotion a duré {days} jours, du {start} au {end} ; le Cadre en demande"
                " jusqu'au {due} au moins.",
                "Promotion lasted {days} days, from {start} to {end}; the framework asks for it"
                " until {due} at least.",
                days=(launched.decided_on - facts.promotion.decided_on).days,
                start=facts.promotion.decided_on,
                end=launched.decided_on,
                due=due or launched.decided_on,
            )
    return unless(answer, facts.departed(PromotionTooShort))


@asks(
    "promotion-goes-on",
    "4.1",
    "La promotion reste active tout au long du processus.",
    "Promotion stays active all along.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    last, launched = facts.last_activity, facts.launched
    until = max(
        facts.ended.decided_on if facts.ended else today, last.decided_on if last else today
    )
    since = last and launched and last.decided_on >= launched.decided_on
    answer = once(last if since else None, facts, today=today)
    if last:
        answer.say(
            "Dernière activité le {last}, {months} mois avant le {until} ; le Cadre ne fixe pas"
            " d'intervalle.",
            "Last activity on {last}, {months} months before {until}; the framework sets no"
            " interval.",
            last=last.decided_on,
            months=months_between(last.decided_on, until),
            until=until,
        )
    return answer


# --- Diagnosis (§4.2) ---------------------------------------------------------------------------


@asks(
    "composed-at-the-launch",
    "4.2",
    "Les commissions sont composées lors de la première conférence.",
    "The commissions are composed at the first plenary.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.delegate, facts, due=launch_day(facts), today=today)


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
    day = launch_day(facts)
    answer = once(facts.diagnosis, facts, due=most.after(day) if day else None, today=today)
    if day and facts.diagnosis and facts.diagnosis.decided_on < least.after(day):
        answer.state = State.BROKEN
    if day:
        shared = facts.diagnosis or facts.ended
        answer.say(
            "{months} mois après le lancement du {day} ; le Cadre en demande {least} à {most}.",
            "{months} months after the launch on {day}; the framework asks for {least} to {most}.",
            months=months_between(day, shared.decided_on if shared else today),
            day=day,
            least=least.count,
            most=most.count,
        )
    return unless(answer, facts.departed(DiagnosisTooLong, DiagnosisTooShort))


@asks(
    "choice",
    "4.2",
    "La commission opère un choix parmi les mesures et projets envisagés.",
    "The commission chooses among the measures and projects considered.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.retained, facts, today=today)


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


# --- Follow-up (§4.4) ---------------------------------------------------------------------------


@asks(
    "followed-up",
    "4.4",
    "La commission et les groupes accompagnent la mise en place des actions.",
    "The commission and the groups follow the actions as they are carried out.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    followed, approved = facts.followed, facts.approved
    since = followed and approved and followed.decided_on >= approved.decided_on
    return once(followed if since else None, facts, today=today)


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
        if launched and facts.ended:
            answer.because.clear()
            _say_how_long(answer, launched, facts.ended)
            answer.say(
                "La clôture n'a pas été ouverte avant la fin du contrat.",
                "Closure was not opened before the contract ended.",
            )
        return answer
    early = due is not None and facts.closing.decided_on < due
    answer = Answer(State.BROKEN if early else State.MET, due, [launched, facts.closing])
    if launched:
        _say_how_long(answer, launched, facts.closing)
    return unless(answer, facts.departed(ClosedBeforeItsTime))


def _say_how_long(answer: Answer, launched: Fact, until: Fact) -> None:
    answer.say(
        "{months} mois, du {launched} au {until}.",
        "{months} months, from {launched} to {until}.",
        months=months_between(launched.decided_on, until.decided_on),
        launched=launched.decided_on,
        until=until.decided_on,
    )


@asks(
    "actions-go-on",
    "4.5",
    "À la fin, chaque action est achevée ou se poursuit sous la responsabilité d'un relais.",
    "At the end, every action is complete or goes on under the responsibility of a relay.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return _for_each_approved(facts, "settled", facts.ended)
