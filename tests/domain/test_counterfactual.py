"""What another version of the framework would have said of the same history."""

import datetime as dt

import pytest

from domain.commission import CommissionConstituted, NoParity
from domain.counterfactual import differences
from domain.decision import judge
from domain.diagnosis import DiagnosisShared, DiagnosisTooLong
from domain.framework import CADRE_2014, FRAMEWORKS, PILOTS_2009
from domain.initiation import ContractInitiated
from domain.plenaries import PlenaryHeld, PromotionTooShort
from tests.domain import stages
from tests.domain.given import REFERENCE, take, told
from tests.domain.test_laws import STAGES

TODAY = dt.date(2026, 11, 22)


def under(framework, *story):
    return list(
        differences(told(*story).history, framework, today=TODAY, reference=REFERENCE)
    )


def hurried(framework, on, *departing):
    """A contract whose promotion lasts a month, begun in that year under that framework."""
    told_ = []
    shift = dt.date.fromisoformat(on) - stages.INITIATES.decided_on
    for taken in stages.LAUNCHED:
        day = taken.decided_on + shift
        if taken.kind is ContractInitiated:
            taken = taken.but(framework=framework)
        fields = dict(taken.fields)
        for name in ("date", "starts_on"):
            if name in fields:
                fields[name] = (dt.date.fromisoformat(fields[name]) + shift).isoformat()
        told_.append(taken.but(**fields).on(day))
    return told_


@pytest.mark.parametrize("story", STAGES, ids=len)
def test_under_its_own_framework_nothing_differs(story):
    assert under(CADRE_2014, *story) == []


def test_no_framework_knows_of_no_difference_in_no_history():
    assert list(differences([], CADRE_2014, today=TODAY, reference=REFERENCE)) == []


def test_a_departure_would_have_been_without_cause_before_the_cadre():
    story = list(stages.LAUNCHED)
    (late,) = [taken for taken in story if taken.kind is PlenaryHeld]
    (promoted,) = [i for i, t in enumerate(story) if t.kind.__name__ == "PromotionStarted"]
    story[promoted] = story[promoted].on(late.decided_on - dt.timedelta(days=20))
    story = sorted(story, key=lambda taken: taken.decided_on)
    story = [
        taken.departing_from(PromotionTooShort) if taken.kind is PlenaryHeld else taken
        for taken in story
    ]
    (found,) = under(PILOTS_2009, *story)
    assert found.recorded.decision.slug == "plenary-held"
    assert [type(each) for each in found.no_longer] == [PromotionTooShort]
    assert found.refused == found.unjustified == ()


def test_what_a_pilot_did_would_have_needed_a_justification_under_the_cadre():
    story = list(hurried("pilots-2009", "2009-02-20"))
    (held,) = [taken for taken in story if taken.kind is PlenaryHeld]
    story = [
        taken.on(held.decided_on - dt.timedelta(days=20))
        if taken.kind.__name__ == "PromotionStarted"
        else taken
        for taken in story
    ]
    found = under(CADRE_2014, *sorted(story, key=lambda taken: taken.decided_on))
    assert [type(rule) for each in found for rule in each.unjustified] == [PromotionTooShort]
    (short,) = found[0].unjustified
    assert short.facts["lasted"] == 20
    assert found[0].refused == found[0].no_longer == ()


def test_judging_otherwise_leaves_the_history_as_it_was():
    contract = told(*stages.CLOSED)
    before = list(contract.history)
    for framework in FRAMEWORKS.values():
        under(framework, *stages.CLOSED)
    assert contract.history == before
    assert contract.framework is CADRE_2014
