"""What each view says of the two examples: Pâquis, broken off, and one brought to its end."""

import datetime as dt
from decimal import Decimal

import pytest

from domain.catalogue import catalogue
from domain.kernel.contract import Contract
from domain.kernel.framework import PILOTS_2009
from projections.conformity.assessment import assess
from projections.conformity.conformity import conformity
from projections.conformity.requirement import REQUIREMENTS, State
from projections.engine.view import fold
from projections.facts.action_status import ActionStatus
from projections.facts.phase import Phase
from projections.views.bodies import bodies
from projections.views.diagnosis import NeedOutcome, diagnosis
from projections.views.funding import funding
from projections.views.funding_document import CreditState
from projections.views.genealogy import backwards, forwards, genealogy
from projections.views.overview import overview
from projections.views.plenaries import PlenaryState, plenaries
from projections.views.roadmap import roadmap
from projections.views.roadmap_document import HandoverAnswer, VersionState
from projections.views.timeline import Deadline, timeline
from tests.domain.given import text_ref
from tests.projections.story import TODAY, at, instant, paquis, person, record, vieux_moulin

CREDIT = {"credit", "referendum"}


def day(written):
    return dt.date.fromisoformat(written)


def until(history, written):
    """The story as it stood on that day."""
    return [recorded for recorded in history if recorded.act.decided_on <= day(written)]


# --- Overview -----------------------------------------------------------------------------------


def test_the_overview_says_what_and_where_a_contract_is():
    view = fold(overview, paquis())
    assert (view.title, view.territory, view.ground.value) == (
        "Contrat de quartier Pâquis",
        "Pâquis",
        "city_initiative",
    )
    assert view.perimeter["type"] == "Polygon"
    assert "Rue de Berne" in view.streets
    assert view.coordinator == person("coordinator-1")
    assert view.illustrative
    assert view.launched_on == day("2014-04-16")
    assert view.closure_due == day("2018-04-16")
    assert view.standing.value == "interrupted"
    assert view.last_decision.position == len(paquis()) == view.counts.decisions


@pytest.mark.parametrize(
    ("written", "phase"),
    [
        ("2014-02-19", Phase.INITIATION),
        ("2014-03-01", Phase.PROMOTION),
        ("2014-04-16", Phase.DIAGNOSIS),
        ("2015-06-17", Phase.ROADMAP),
        ("2016-02-10", Phase.FOLLOW_UP),
        ("2017-05-31", Phase.ENDED),
    ],
)
def test_the_phase_is_the_furthest_stage_reached(written, phase):
    assert fold(overview, paquis(), valid_at=day(written)).phase is phase


def test_the_overview_counts_actions_by_what_became_of_them():
    view = fold(overview, vieux_moulin())
    assert view.actions["cour-ouverte"] is ActionStatus.COMPLETED
    assert view.actions["jardin-partage"] is ActionStatus.HANDED_OVER
    assert view.actions["local-de-quartier"] is ActionStatus.ABANDONED
    assert sum(view.counts.actions.values()) == len(view.actions)
    assert view.counts.actions[ActionStatus.REFUSED] == 1


def test_the_operating_budget_adds_up():
    view = fold(overview, paquis())
    assert view.budget.granted == Decimal(87000)
    assert view.budget.spent == sum(year.spent for year in view.budgets.values())


def test_a_launch_that_is_recorded_late_counts_from_its_day():
    """The first plenary is the first by its day, not by when it was written down."""
    history = list(vieux_moulin())
    first, second = at(history, "plenary-held"), at(history, "plenary-held", 1)
    others = [r for r in history if r not in (first, second)]
    for view in (overview, diagnosis, plenaries):
        doc = view.fold([*others, second, first])
        launched = doc.launched_on if view is overview else doc.launched.decided_on
        assert launched == first.act.decided_on


# --- Roadmap ------------------------------------------------------------------------------------


def test_a_version_shows_the_way_it_went():
    view = fold(roadmap, vieux_moulin())
    first, second, third = (view.versions[number] for number in (1, 2, 3))
    assert first.state is third.state is VersionState.APPROVED
    assert second.state is VersionState.RETURNED
    assert second.amends.reason
    assert second.returned.reason
    assert third.presented[0].plenary == "conference-2022"
    assert first.submitted.position < first.endorsed.position < first.approved.position
    assert view.current == 3


def test_an_action_shows_its_whole_life():
    line = fold(roadmap, vieux_moulin()).actions["cour-ouverte"]
    assert line.status is ActionStatus.COMPLETED
    assert line.needs == ("ecole-ouverte",)
    assert line.answered.verdict.value == "approved"
    assert line.assignments[-1].service == "ecoles"
    assert line.assignments[-1].accepted
    assert line.milestones["portail"].reached.decided_on == day("2020-12-09")
    assert line.progress.percent == 100
    assert line.completed.decided_on == day("2021-07-07")


def test_a_relay_that_declines_is_followed_by_one_that_accepts():
    line = fold(roadmap, vieux_moulin()).actions["jardin-partage"]
    declined, accepted = line.handovers
    assert (declined.answer, accepted.answer) == (HandoverAnswer.DECLINED, HandoverAnswer.ACCEPTED)
    assert declined.answered.reason
    assert accepted.relay == person("relay-1")


def test_after_an_interruption_it_is_known_who_goes_on():
    actions = fold(roadmap, paquis()).actions
    continued = {name for name, line in actions.items() if line.continued}
    interrupted = at(paquis(), "contract-interrupted").decision
    assert continued == {named.action for named in interrupted.continuations} != set()


# --- Bodies -------------------------------------------------------------------------------------


def test_an_en_bloc_resignation_takes_the_quorum():
    resigned = at(paquis(), "delegates-resigned")
    before = fold(bodies, paquis()[: resigned.position - 1]).commission
    after = fold(bodies, paquis()[: resigned.position])
    assert before.quorate
    assert (before.neighbourhood, before.services) == (5, 5)
    assert not after.commission.quorate
    assert (after.commission.neighbourhood, after.commission.services) == (0, 5)
    assert after.commission.lost.position == resigned.position
    assert after.resignations[0].seats_vacated == 5
    assert after.resignations[0].reason
    assert all(delegate.resigned for delegate in after.delegates)
    assert not any(named.recalled for named in after.service_delegates)


def test_the_coordinators_follow_one_another():
    view = fold(bodies, vieux_moulin())
    first, second = view.coordinators
    assert first.until == day("2021-03-31") == second.starts_on
    assert second.until is None


def test_a_recalled_service_delegate_is_replaced_in_the_commission():
    recalled = at(vieux_moulin(), "service-delegate-recalled")
    view = fold(bodies, vieux_moulin()[: recalled.position])
    assert not view.commission.quorate
    assert fold(bodies, vieux_moulin()).commission.quorate


def test_meetings_count_who_held_a_seat_on_the_day():
    meeting = fold(bodies, paquis()).meetings[0]
    assert (meeting.neighbourhood, meeting.services) == (5, 5)


def test_groups_have_members_who_come_and_go():
    group = fold(bodies, vieux_moulin()).groups["place-et-sentier"]
    membership = group.members[person("member-1")]
    assert membership.joined.position < membership.left.position


# --- Diagnosis ----------------------------------------------------------------------------------


def test_the_diagnosis_of_paquis_took_too_long_for_a_reason():
    view = fold(diagnosis, paquis())
    (shared,) = view.shared
    assert view.expected_until == day("2015-02-16") < shared.decided_on
    assert shared.lasted_days == (shared.decided_on - day("2014-04-16")).days == 427
    assert shared.justification == text_ref("because of diagnosis-too-long")


def test_every_need_says_what_became_of_it():
    view = fold(diagnosis, vieux_moulin())
    assert view.needs["bancs"].outcome is NeedOutcome.MERGED
    assert view.needs["bancs"].merged_into == "place-praticable"
    assert view.needs["place-praticable"].merged_from == ["bancs"]
    assert view.needs["parking-gratuit"].outcome is NeedOutcome.SET_ASIDE
    assert view.needs["parking-gratuit"].settled.reason
    assert view.needs["transit"].answered_by == ["zone-de-rencontre", "ecran-vitesse"]
    assert view.outcomes[NeedOutcome.OPEN] == 0
    assert sum(view.outcomes.values()) == len(view.needs) == sum(view.themes.values())


# --- Plenaries ----------------------------------------------------------------------------------


def test_plenaries_say_who_came_and_for_what():
    view = fold(plenaries, paquis())
    first = view.plenaries["conference-2014"]
    assert first.held.attended == 156
    assert [purpose.value for purpose in first.held.purposes] == ["intentions", "needs", "election"]
    assert "pt" in first.languages
    assert len(first.elected) == 5
    assert view.plenaries["conference-2016"].state is PlenaryState.CANCELLED
    assert view.years[2014].held == view.years[2015].held == 1
    assert view.plenaries["conference-2015"].held.late, "it was more than a year after the first"


def test_the_next_plenary_is_due_until_the_contract_ends():
    assert fold(plenaries, until(paquis(), "2016-12-31")).next_due == day("2016-09-23")
    assert fold(plenaries, paquis()).next_due is None
    assert fold(plenaries, vieux_moulin()).next_due is None


# --- Funding ------------------------------------------------------------------------------------


def test_a_refused_credit_is_replaced_by_a_budget():
    credit, budget = fold(funding, vieux_moulin()).actions["local-de-quartier"].routes
    assert credit.credits[0].state is CreditState.REFUSED
    assert credit.credits[0].refused.reason
    assert credit.replaced.reason
    assert budget.sums.enforceable == budget.sums.released == Decimal(40000)


def test_the_voters_reject_a_credit():
    route = fold(funding, vieux_moulin()).actions["sentier-eclaire"].routes[0]
    (credit,) = route.credits
    assert credit.contested
    assert credit.overturned
    assert credit.voted.published_on == day("2022-05-24")
    assert route.sums.enforceable == 0


def test_totals_by_route_by_service_and_by_action_agree():
    view = fold(funding, vieux_moulin())
    for name in ("enforceable", "available", "committed", "spent", "released", "voted", "net"):
        total = getattr(view.total, name)
        routes = [route for action in view.actions.values() for route in action.routes]
        assert total == sum(getattr(sums, name) for sums in view.routes.values())
        assert total == sum(getattr(sums, name) for sums in view.services.values())
        assert total == sum(getattr(route.sums, name) for route in routes)
    assert view.total.spent == sum(year.spent for year in view.years.values())


def test_a_rectified_expenditure_counts_as_corrected():
    wrong, right = Decimal("24500.00"), Decimal("25400.00")
    rectified = at(vieux_moulin(), "decision-rectified")
    before = fold(funding, vieux_moulin()[: rectified.position - 1])
    after = fold(funding, vieux_moulin()[: rectified.position])
    assert after.actions["cour-ouverte"].routes[0].sums.spent == right
    assert before.actions["cour-ouverte"].routes[0].sums.spent == wrong
    known_then = fold(
        funding, vieux_moulin(), known_at=instant(rectified.position - 1), valid_at=TODAY
    )
    assert known_then == before


# --- Timeline -----------------------------------------------------------------------------------


def test_the_timeline_has_stages_and_moments():
    view = fold(timeline, paquis())
    assert list(view.stages) == [
        Phase.INITIATION,
        Phase.PROMOTION,
        Phase.DIAGNOSIS,
        Phase.ROADMAP,
        Phase.FOLLOW_UP,
        Phase.ENDED,
    ]
    assert view.stages[Phase.DIAGNOSIS].began.decided_on == day("2014-04-16")
    assert view.stages[Phase.DIAGNOSIS].ended.decided_on == day("2015-06-17")
    assert view.due == {}
    days = [(moment.decided_on, moment.position) for moment in view.moments]
    assert days == sorted(days)
    assert view.moments[-1].type == "contract-interrupted"
    assert len(view.moments) < len(paquis()) / 2


def test_the_timeline_follows_a_credit_from_its_request_to_the_voters_answer():
    steps = [m.type for m in fold(timeline, vieux_moulin()).moments if m.about == "sentier-eclaire"]
    assert steps[:5] == [
        "credit-requested",
        "credit-voted",
        "credit-published",
        "credit-contested",
        "credit-overturned",
    ]
    credit = {kind for kind in catalogue().values() if kind.chapter in CREDIT}
    assert all(timeline.handlers[kind] for kind in credit)


def test_the_timeline_says_what_is_due():
    view = fold(timeline, until(paquis(), "2014-06-01"))
    assert view.due[Deadline.DIAGNOSIS_UNTIL] == day("2015-02-16")
    assert view.due[Deadline.PLENARY] == day("2015-04-16")
    assert view.due[Deadline.CLOSURE] == day("2018-04-16")


# --- Conformity ---------------------------------------------------------------------------------


def states(history, today, framework=None):
    read = assess(conformity.fold(history), day(today), framework)
    return {each.id: each for each in read.requirements}


def test_paquis_departed_from_durations_and_broke_off():
    found = states(paquis(), "2017-12-31")
    assert found["promotion-time"].state is State.DEPARTED
    assert found["promotion-time"].departures[0].basis == "4.1"
    assert found["diagnosis-time"].state is State.DEPARTED
    assert found["diagnosis-time"].departures[0].justification == text_ref(
        "because of diagnosis-too-long"
    )
    assert found["yearly-plenary"].state is State.BROKEN
    assert found["parity"].state is State.BROKEN
    assert at(paquis(), "delegates-resigned").position in found["parity"].positions
    assert found["four-years"].state is State.BROKEN
    assert found["council-informed"].state is State.MET


def test_a_regular_contract_meets_or_justifies_everything():
    found = states(vieux_moulin(), "2024-01-01")
    assert {each.state for each in found.values()} <= {State.MET, State.DEPARTED, State.MET_LATE}
    assert len(found) == len(REQUIREMENTS)


def test_what_is_pending_is_broken_once_its_day_has_passed():
    story = until(paquis(), "2014-06-01")
    assert states(story, "2014-06-01")["diagnosis-time"].state is State.PENDING
    assert states(story, "2014-06-01")["diagnosis-time"].due == day("2015-02-16")
    assert states(story, "2015-02-16")["diagnosis-time"].state is State.PENDING
    assert states(story, "2015-02-17")["diagnosis-time"].state is State.BROKEN
    assert states(story, "2015-04-16")["yearly-plenary"].state is State.MET
    assert states(story, "2015-04-17")["yearly-plenary"].state is State.BROKEN
    assert states(story, "2030-01-01")["four-years"].state is State.PENDING


def test_the_report_says_what_its_answers_turn_on():
    found = states(paquis(), "2017-12-31")

    def told(name):
        return [(said.fr, said.en) for said in found[name].because]

    assert told("diagnosis-time") == [
        ("121 jours après l'échéance.", "121 days after it was due."),
        (
            "14 mois après le lancement du 16 avril 2014 ; le Cadre en demande 7 à 10.",
            "14 months after the launch on 16 April 2014; the framework asks for 7 to 10.",
        ),
    ]
    assert [en for _, en in told("yearly-plenary")] == [
        "17 months without a plenary, from 16 April 2014 to 23 September 2015.",
        "20 months without a plenary, from 23 September 2015 to 31 May 2017.",
        "No plenary in 2016, 2017.",
    ]
    assert told("four-years")[0][0] == "37 mois, du 16 avril 2014 au 31 mai 2017."
    assert "0 seats taken for the neighbourhood" in told("parity")[0][1]
    assert any("No activity meant for" in en for _, en in told("audiences"))


def test_what_no_decision_shows_is_said_so():
    story = until(paquis(), "2014-06-01")
    assert states(story, "2014-06-01")["diagnosis-time"].state is State.PENDING
    (first, second) = states(story, "2015-03-01")["diagnosis-time"].because
    assert first.en == "No decision shows it."
    assert second.en.startswith("10 months after the launch")
    assert states(story, "2016-01-01")["yearly-plenary"].because[-1].fr == (
        "Aucune conférence en 2015, 2016."
    )


def test_a_credit_that_is_requested_awaits_an_answer_of_the_council():
    story = paquis()
    refused = at(story, "credit-refused").position
    asked = states(story[: refused - 1], "2016-10-01")["credits-answered"]
    assert (asked.state, asked.missing) == (State.PENDING, ["mediation-nocturne"])
    asked = states(story[:refused], "2016-12-01")["credits-answered"]
    assert (asked.state, asked.positions) == (State.MET, [refused])


def test_every_paragraph_that_asks_for_something_is_asked_about():
    paragraphs = {requirement.basis for requirement in REQUIREMENTS}
    assert paragraphs == {
        *("1", "1.1", "2", "3.1", "3.2", "3.3"),
        *("4.1", "4.2", "4.3", "4.4", "4.5"),
    }
    assert [r.basis for r in REQUIREMENTS] == sorted(r.basis for r in REQUIREMENTS)


def test_the_pilots_are_asked_for_less():
    asked = states(paquis(), "2017-12-31", PILOTS_2009)
    assert not {"promotion-time", "diagnosis-time", "yearly-plenary", "four-years"} & asked.keys()
    assert "perimeter" in asked


def test_every_departure_is_listed_with_its_reason():
    read = assess(conformity.fold(paquis()), TODAY)
    recorded = [(r.position, rule) for r in paquis() for rule in r.act.departures]
    assert [(each.position, each.rule) for each in read.departures] == recorded
    assert all(each.justification for each in read.departures)


def test_requirements_are_told_apart():
    ids = [requirement.id for requirement in REQUIREMENTS]
    assert len(set(ids)) == len(ids)
    assert all(requirement.fr and requirement.en for requirement in REQUIREMENTS)


def test_information_after_the_launch_is_late_unless_it_is_justified():
    launched = at(paquis(), "plenary-held")
    informed = at(paquis(), "municipal-council-informed")
    without = [r for r in paquis()[: launched.position] if r is not informed]
    contract = Contract.of("paquis", without)
    late = record(
        contract,
        "municipal-council-informed",
        {"reference": "Communication"},
        body="administrative_council",
        decided_on="2014-05-01",
        departures=["informed-after-the-launch"],
        position=500,
    )
    assert states(without, "2014-05-01")["council-informed"].state is State.BROKEN
    assert states([*without, late], "2014-05-01")["council-informed"].state is State.DEPARTED


# --- Genealogy ----------------------------------------------------------------------------------


def test_a_need_leads_to_a_delivery_and_a_delivery_back_to_its_needs():
    graph = fold(genealogy, vieux_moulin())
    assert "delivery:place-du-moulin" in forwards(graph, "need:bancs")
    assert {"need:bancs", "need:place-praticable"} <= {
        *backwards(graph, "delivery:place-du-moulin")
    }
    assert "need:fete" not in backwards(graph, "delivery:place-du-moulin")


def test_links_are_the_same_both_ways():
    for story in (paquis(), vieux_moulin()):
        graph = fold(genealogy, story)
        there = {(a, b) for a, node in graph.nodes.items() for b in node.leads_to}
        back = {(a, b) for b, node in graph.nodes.items() for a in node.comes_from}
        assert there == back
        assert all(b in graph.nodes for _, b in there)


@pytest.mark.parametrize(
    "key",
    [
        "need:parking-gratuit",
        "action:ecran-vitesse",
        "verdict:1:zone-de-rencontre",
        "roadmap:2:sentier-eclaire",
        "credit:local-de-quartier:1:1",
        "route:local-de-quartier:2",
        "handover:jardin-partage:1",
    ],
)
def test_wherever_something_was_dropped_there_is_a_reason(key):
    assert fold(genealogy, vieux_moulin()).nodes[key].dropped.reason


def test_an_interruption_drops_what_nobody_goes_on_with():
    graph = fold(genealogy, paquis())
    interrupted = at(paquis(), "contract-interrupted")
    continued = {named.action for named in interrupted.decision.continuations}
    for action in continued:
        tip = graph.trails[action].tip
        assert tip.startswith("handover:")
        assert graph.nodes[tip].dropped is None
