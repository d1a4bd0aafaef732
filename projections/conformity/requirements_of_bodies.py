"""What §1 to §3 ask for: why there is a contract, who takes part, and how they sit."""

from __future__ import annotations

from datetime import date

from domain.chapters.commission import NoParity, OneSideAbsent
from domain.kernel.framework import Framework, Months
from domain.rules.gathering import PlenaryOverdue, Purpose
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


@asks(
    "ground",
    "1",
    "Le contrat répond à des besoins que la Ville constate, ou à une demande de la population.",
    "The contract answers needs that the City sees, or a request of the population.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    answer = once(facts.initiated, facts, today=today)
    if facts.ground:
        answer.say("Motif : {ground}.", "Ground: {ground}.", ground=facts.ground)
    return answer


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
    return once(facts.perimeter, facts, due=launch_day(facts), today=today)


@asks(
    "coordinator",
    "2",
    "Un-e coordinateur-trice est responsable du contrat.",
    "A coordinator is responsible for the contract.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.coordinator, facts, due=launch_day(facts), today=today)


@asks(
    "strategic-options",
    "2",
    "Le Comité de pilotage valide les options stratégiques.",
    "The steering committee validates the strategic options.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.option, facts, today=today)


@asks(
    "credits-answered",
    "2",
    "Le Conseil municipal se prononce sur chaque crédit demandé.",
    "The municipal council answers every credit that is requested.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    asked = {key: action for key, action in facts.actions.items() if action.requested}
    missing = [key for key, action in asked.items() if action.answered is None]
    by = [action.answered or action.requested for action in asked.values()]
    if asked and not missing:
        return Answer(State.MET, by=by)
    if facts.ended is None:
        return Answer(State.PENDING, by=by, missing=missing)
    answer = Answer(State.BROKEN if missing else State.MET, by=[*by, facts.ended], missing=missing)
    if not asked:
        answer.say("Aucun crédit n'a été demandé.", "No credit was requested.")
    return answer


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
    first = facts.purposes
    missing = [purpose.value for purpose in Purpose if purpose not in first]
    by: list[Fact | None] = [*first.values()]
    if not missing:
        return Answer(State.MET, by=by)
    answer = Answer(State.BROKEN if facts.ended else State.PENDING, by=by, missing=missing)
    for purpose in Purpose:
        if purpose not in first:
            answer.say(
                "Sans conférence : {purpose}.", "No plenary for: {purpose}.", purpose=purpose
            )
    return answer


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
        return once(None, facts, today=today)
    held = sorted(facts.plenaries, key=lambda plenary: plenary.decided_on)
    until = facts.closing or facts.ended
    steps: list[Fact] = [*held, *([until] if until else [])]
    late = [
        after
        for before, after in zip(held, steps[1:], strict=False)
        if every.passed(before.decided_on, after.decided_on)
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
    _say_the_gaps(answer, [fact.decided_on for fact in steps], every, None if until else today)
    return answer


def _say_the_gaps(answer: Answer, days: list[date], every: Months, today: date | None) -> None:
    """The times that were too long, the one that goes on included, and the years without any."""
    held = days[:-1] if today is None else days
    end = days[-1] if today is None else max(today, days[-1])
    for before, after in zip(held, [*days[1:], end], strict=False):
        if every.passed(before, after):
            answer.say(
                "{months} mois sans conférence, du {before} au {after}.",
                "{months} months without a plenary, from {before} to {after}.",
                months=months_between(before, after),
                before=before,
                after=after,
            )
    without = {*range(days[0].year, end.year + 1)} - {day.year for day in held}
    if without and answer.because:
        answer.say(
            "Aucune conférence en {years}.",
            "No plenary in {years}.",
            years=tuple(map(str, sorted(without))),
        )


@asks(
    "delegates-by-peers",
    "3.2",
    "Les délégué-e-s du quartier sont désigné-e-s par leurs pairs.",
    "The neighbourhood's delegates are chosen by their peers.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.delegate, facts, today=today)


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
        answer.say(
            "Constituée avec {seats} siège(s) de différence.",
            "Constituted with a difference of {seats} seat(s).",
            seats=commission.accepted_difference,
        )
    unless(answer, [d for d in facts.departed(NoParity) if _is(d, commission.constituted)])
    if commission.lost is not None:
        answer.state = State.BROKEN
        answer.by.append(commission.lost)
        answer.say(
            "Rompue le {lost} : {neighbourhood} sièges occupés pour le quartier, {services} pour"
            " les services ; elle n'a pas été rétablie.",
            "Broken on {lost}: {neighbourhood} seats taken for the neighbourhood, {services} for"
            " the services; it was not restored.",
            lost=commission.lost.decided_on,
            neighbourhood=commission.neighbourhood,
            services=commission.services,
        )
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
    "roadmap-written",
    "3.2",
    "La commission rédige la feuille de route.",
    "The commission writes the roadmap.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.drafted, facts, today=today)


@asks(
    "working-groups",
    "3.3",
    "Des groupes de travail se réunissent à l'initiative de la commission.",
    "Working groups meet at the initiative of the commission.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.group, facts, today=today)


@asks(
    "priorities",
    "3.3",
    "Les groupes de travail et les conférences priorisent les mesures et les projets.",
    "Working groups and plenaries rank the measures and projects.",
)
def _(facts: Facts, framework: Framework, today: date) -> Answer:
    return once(facts.prioritised, facts, today=today)
