"""What another version of the framework would have said of the same history."""

import datetime as dt

import pytest

from domain.chapters.initiation import ContractInitiated
from domain.chapters.plenaries import PlenaryConvened, PromotionTooShort
from domain.chapters.promotion import PromotionActivityHeld, PromotionStarted
from domain.counterfactual import differences
from domain.kernel.framework import CADRE_2014, FRAMEWORKS, PILOTS_2009
from tests.domain import stages
from tests.domain.given import REFERENCE, told
from tests.domain.test_laws import STAGES

TODAY = dt.date(2026, 11, 22)


def under(framework, *story):
    return list(differences(told(*story).history, framework, today=TODAY, reference=REFERENCE))


def hurried(*departing, framework="cadre-2014", earlier=dt.timedelta(0)):
    """A contract whose promotion began when the plenary was convened, some time earlier."""
    (convened,) = [taken for taken in stages.LAUNCHED if taken.kind is PlenaryConvened]
    story = []
    for taken in stages.LAUNCHED:
        day, fields = taken.decided_on, dict(taken.fields)
        if taken.kind is PromotionActivityHeld:
            continue
        if taken.kind is PromotionStarted:
            day = convened.decided_on
        if taken.kind is ContractInitiated:
            fields["framework"] = framework
        if taken.kind is PlenaryConvened:
            taken = taken.departing_from(*departing)  # noqa: PLW2901 - the same, departing
        for name in {"date", "starts_on"} & fields.keys():
            fields[name] = (dt.date.fromisoformat(fields[name]) - earlier).isoformat()
        story.append(taken.but(**fields).on(day - earlier))
    return sorted(story, key=lambda taken: (taken.decided_on, taken.kind is PlenaryConvened))


@pytest.mark.parametrize("story", STAGES, ids=len)
def test_under_its_own_framework_nothing_differs(story):
    assert under(CADRE_2014, *story) == []


def test_no_framework_knows_of_no_difference_in_no_history():
    assert list(differences([], CADRE_2014, today=TODAY, reference=REFERENCE)) == []


def test_a_departure_would_have_been_without_cause_before_the_cadre():
    (found,) = under(PILOTS_2009, *hurried(PromotionTooShort))
    assert found.recorded.decision.slug == "plenary-convened"
    assert [type(each) for each in found.no_longer] == [PromotionTooShort]
    assert found.refused == found.unjustified == ()


def test_what_a_pilot_did_would_have_needed_a_justification_under_the_cadre():
    story = hurried(framework="pilots-2009", earlier=dt.timedelta(days=5 * 365))
    found = under(CADRE_2014, *story)
    assert [each.recorded.decision.slug for each in found] == ["plenary-convened", "plenary-held"]
    for each in found:
        assert [type(rule) for rule in each.unjustified] == [PromotionTooShort]
        assert each.refused == each.no_longer == ()


def test_judging_otherwise_leaves_the_history_as_it_was():
    contract = told(*stages.CLOSED)
    before = list(contract.history)
    for framework in FRAMEWORKS.values():
        under(framework, *stages.CLOSED)
    assert contract.history == before
    assert contract.framework is CADRE_2014
