"""Corrections: a decision about an earlier decision, which itself stays for ever."""

import json

import pytest
from pydantic import ValidationError

from domain.chapters.corrections import (
    AlreadyAnnulled,
    CorrectsACorrection,
    DecisionAnnulled,
    DecisionRectified,
    LaterDecisionImpossible,
    NothingCorrected,
    TakenByAnotherBody,
    UnknownDecision,
)
from domain.chapters.diagnosis import NeedExpressed
from domain.chapters.funding import ExpenditureRecorded, FundingRouteChosen, FundsCommitted
from domain.chapters.initiation import (
    ContractInterrupted,
    ContractSuspended,
    MunicipalCouncilInformed,
)
from domain.chapters.plenaries import DepartmentsNotInformed, PlenaryHeld, PromotionTooShort
from domain.chapters.promotion import (
    OperatingBudgetGranted,
    PromotionActivityHeld,
    PromotionStarted,
)
from domain.kernel.act import Body
from domain.kernel.contract import Contract
from domain.kernel.days import days_of
from domain.kernel.history import effective
from domain.kernel.life_cycle import Standing
from domain.kernel.payload import read, write
from tests.domain.given import Keeper, Laws, Story, day, each_of, given, take, text_ref, told
from tests.domain.stages import (
    BEFORE_PROMOTION,
    CLOSED,
    COORDINATOR,
    COUNCIL,
    LAUNCHED,
    PROMOTED,
    PROMOTES,
    SPENT,
    WITH_COMMISSION,
    plenary,
)

UNIT = Body.COMMUNITY_UNIT
WHY = "Erreur de saisie."


def at(story: Story, kind, nth: int = 0) -> int:
    """The position of the nth decision of that kind."""
    places = [place for place, taken in enumerate(story, start=1) if taken.kind is kind]
    return places[nth]


def rectifies(story: Story, kind, by, *, on="2016-10-01", nth=0, decided_on=None, **fields):
    about = {"position": at(story, kind, nth), "reason": WHY, "fields": fields}
    if decided_on:
        about["decided_on"] = decided_on
    return take(DecisionRectified, on, by=by, **about)


def annuls(story: Story, kind, by, *, on="2016-10-01", nth=0):
    return take(DecisionAnnulled, on, by=by, position=at(story, kind, nth), reason=WHY)


def activity(contract):
    """The promotion activity as it stands."""
    standing = (recorded.decision for recorded in effective(contract.history))
    return next(decision for decision in standing if isinstance(decision, PromotionActivityHeld))


ACTIVITY_ANNULLED = (*PROMOTED, annuls(PROMOTED, PromotionActivityHeld, UNIT))
BUDGET_RAISED = (
    *PROMOTED,
    rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, amount="25000"),
)
HURRIED = (
    *BEFORE_PROMOTION,
    PROMOTES.on("2014-04-01"),
    *(
        taken.departing_from(PromotionTooShort)
        for taken in plenary("p1", "2014-05-20", "2014-06-16", "intentions")
    ),
)
ENDED_BY_MISTAKE = (
    *PROMOTED,
    take(ContractInterrupted, "2014-04-10", reason="Une erreur de clic."),
)

LAWS: Laws = {
    "an earlier decision is given other fields": given(PROMOTED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, amount="25000"))
    .recorded(lambda c: c.budgets[2014].granted == 25000),
    "an earlier decision is given another day": given(PROMOTED)
    .when(rectifies(PROMOTED, PromotionStarted, UNIT, decided_on="2014-03-12"))
    .recorded(lambda c: c.promotion_started_on == day("2014-03-12")),
    "a decision's texts are corrected, too": given(WITH_COMMISSION)
    .when(rectifies(WITH_COMMISSION, NeedExpressed, Body.PLENARY, text="De l'ombre et de l'eau."))
    .recorded(),
    "null takes an optional field away": given(PROMOTED)
    .when(rectifies(PROMOTED, PromotionActivityHeld, UNIT, place=None))
    .recorded(lambda c: activity(c).place is None),
    "several rectifications add up": given(BUDGET_RAISED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, on="2016-10-02", year=2015))
    .recorded(lambda c: (c.budgets[2015].granted, 2014 in c.budgets) == (25000, False)),
    "only a decision of this contract is rectified": given(PROMOTED)
    .when(DecisionRectified, by=COUNCIL, position=99, reason=WHY, fields={"amount": "1"})
    .refused(UnknownDecision, position=99),
    "a rectification is not itself rectified": given(BUDGET_RAISED)
    .when(
        DecisionRectified,
        by=COUNCIL,
        position=len(BUDGET_RAISED),
        reason=WHY,
        fields={"reason": "Autre."},
    )
    .refused(CorrectsACorrection),
    "a decision is rectified by the body that took it": given(PROMOTED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COORDINATOR, amount="25000"))
    .refused(TakenByAnotherBody, body=COUNCIL),
    "what is annulled is not rectified": given(ACTIVITY_ANNULLED)
    .when(rectifies(PROMOTED, PromotionActivityHeld, UNIT, on="2016-10-02", people_reached=50))
    .refused(AlreadyAnnulled),
    "a rectification changes something": given(PROMOTED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, amount="20000.00"))
    .refused(NothingCorrected),
    "what stands already is not rectified again": given(BUDGET_RAISED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, on="2016-10-02", amount="25000.00"))
    .refused(NothingCorrected),
    "a rectification to what was said at first changes what stands": given(BUDGET_RAISED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, on="2016-10-02", amount="20000"))
    .recorded(lambda c: c.budgets[2014].granted == 20000),
    "a later decision stays possible": given(SPENT)
    .when(rectifies(SPENT, FundingRouteChosen, COUNCIL, amount="39999.99"))
    .refused(LaterDecisionImpossible, position=at(SPENT, FundsCommitted)),
    "a rectified decision is itself possible": given(PROMOTED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, amount="0"))
    .refused(LaterDecisionImpossible, position=at(PROMOTED, OperatingBudgetGranted)),
    "a rectified decision is not dated in the future": given(PROMOTED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, decided_on="2027-01-01"))
    .refused(LaterDecisionImpossible),
    "nothing is moved before the contract": given(PROMOTED)
    .when(rectifies(PROMOTED, PromotionStarted, UNIT, decided_on="2014-01-01"))
    .refused(LaterDecisionImpossible, LaterDecisionImpossible),
    "a departable rule does not stand in a correction's way": given(LAUNCHED)
    .when(rectifies(LAUNCHED, PromotionStarted, UNIT, decided_on="2014-03-20"))
    .recorded(),
    "a justification that becomes superfluous does not, either": given(HURRIED)
    .when(rectifies(HURRIED, PromotionStarted, UNIT, decided_on="2014-03-10"))
    .recorded(),
    "an earlier decision is taken away": given(PROMOTED)
    .when(annuls(PROMOTED, OperatingBudgetGranted, COUNCIL))
    .recorded(lambda c: (len(c.history), c.budgets) == (len(PROMOTED) + 1, {})),
    "only a decision of this contract is annulled": given(PROMOTED)
    .when(DecisionAnnulled, by=COUNCIL, position=99, reason=WHY)
    .refused(UnknownDecision),
    "an annulment is not itself annulled": given(ACTIVITY_ANNULLED)
    .when(DecisionAnnulled, by=UNIT, position=len(ACTIVITY_ANNULLED), reason=WHY)
    .refused(CorrectsACorrection),
    "a decision is annulled by the body that took it": given(PROMOTED)
    .when(annuls(PROMOTED, PromotionActivityHeld, COUNCIL))
    .refused(TakenByAnotherBody, body=UNIT),
    "a decision is annulled once": given(ACTIVITY_ANNULLED)
    .when(annuls(PROMOTED, PromotionActivityHeld, UNIT, on="2016-10-02"))
    .refused(AlreadyAnnulled),
    "what is rectified may be annulled": given(BUDGET_RAISED)
    .when(annuls(PROMOTED, OperatingBudgetGranted, COUNCIL, on="2016-10-02"))
    .recorded(lambda c: not c.budgets),
    "what later decisions rest on is not annulled": given(SPENT)
    .when(annuls(SPENT, FundsCommitted, Body.SERVICE))
    .refused(LaterDecisionImpossible, position=at(SPENT, ExpenditureRecorded)),
    "the launch is not annulled once the commission sits": given(WITH_COMMISSION)
    .when(annuls(WITH_COMMISSION, PlenaryHeld, Body.PLENARY))
    .refused(LaterDecisionImpossible),
    "informing the council may be annulled after the launch, which asks for it departably": given(
        LAUNCHED
    )
    .when(annuls(LAUNCHED, MunicipalCouncilInformed, COUNCIL))
    .recorded(),
    "an end that was a mistake is annulled": given(ENDED_BY_MISTAKE)
    .when(annuls(ENDED_BY_MISTAKE, ContractInterrupted, COUNCIL))
    .recorded(lambda c: c.standing is Standing.UNDER_WAY),
    "a closed contract is still corrected": given(CLOSED)
    .when(rectifies(CLOSED, PromotionActivityHeld, UNIT, on="2018-12-01", people_reached=50))
    .recorded(lambda c: c.standing is Standing.CLOSED),
    "but not so that it could not have closed": given(CLOSED)
    .when(
        DecisionAnnulled,
        on="2018-12-01",
        by=COUNCIL,
        position=next(
            place
            for place, taken in enumerate(CLOSED, start=1)
            if taken.fields.get("route") == "none_needed"
        ),
        reason=WHY,
    )
    .refused(LaterDecisionImpossible),
    "a suspended contract is corrected": given(
        PROMOTED, take(ContractSuspended, "2014-05-01", reason="Budget gelé.")
    )
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, amount="25000"))
    .recorded(),
    "a corrected field that does not exist is named": given(PROMOTED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, colour="red"))
    .malformed("fields/colour"),
    "everything wrong with the corrected fields is named at once": given(PROMOTED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, amount="1.234", year=1066))
    .malformed("fields/amount", "fields/year"),
    "and everything wrong beside them": given(PROMOTED)
    .when(
        DecisionRectified,
        by=COUNCIL,
        position=at(PROMOTED, OperatingBudgetGranted),
        decided_on="yesterday",
        fields={"amount": 1.5},
        why=WHY,
    )
    .malformed("fields/amount", "decided_on", "reason", "why"),
    "a field that must be there is not taken away": given(PROMOTED)
    .when(rectifies(PROMOTED, OperatingBudgetGranted, COUNCIL, amount=None))
    .malformed("fields/amount"),
    "fields are an object": given(PROMOTED)
    .when(DecisionRectified, by=COUNCIL, position=1, reason=WHY, fields=["amount"])
    .malformed("fields"),
    "a position is a number": given(PROMOTED)
    .when(DecisionRectified, by=COUNCIL, position="1", reason=WHY, fields={"amount": "1"})
    .malformed("position"),
    "positions begin at 1": given(PROMOTED)
    .when(DecisionAnnulled, by=COUNCIL, position=0, reason=WHY)
    .malformed("position"),
    "a correction says why": given(PROMOTED)
    .when(DecisionAnnulled, by=COUNCIL, position=1)
    .malformed("reason"),
}


@each_of(LAWS)
def test_corrections(law):
    law.holds()


def test_the_first_decision_stays_in_history():
    contract = told(*BUDGET_RAISED)
    place = at(PROMOTED, OperatingBudgetGranted) - 1
    assert str(contract.history[place].decision.amount) == "20000.00"
    standing = list(effective(contract.history))[place]
    assert str(standing.decision.amount) == "25000.00"
    assert standing.position == contract.history[place].position
    assert standing.act.body is COUNCIL


def test_before_the_correction_was_known_nothing_was_corrected():
    contract = told(*BUDGET_RAISED)
    known = Contract.of(contract.id, contract.history[:-1])
    assert str(known.budgets[2014].granted) == "20000.00"


def test_corrected_texts_go_to_the_keeper_and_never_into_the_event():
    contract = told(*WITH_COMMISSION)
    keeper = Keeper()
    correction = DecisionRectified.parse(
        json.dumps(
            {
                "position": at(WITH_COMMISSION, NeedExpressed),
                "reason": "Une faute.",
                "fields": {"text": "Madame X voudrait de l'ombre."},
            }
        ),
        keeper=keeper,
        contract=contract,
    )
    kept = text_ref("Madame X voudrait de l'ombre.")
    assert keeper.kept[kept.text] == "restricted: Madame X voudrait de l'ombre."
    assert correction.fields == {"text": kept.model_dump()}
    taken = annuls(WITH_COMMISSION, NeedExpressed, Body.PLENARY)
    assert b"Madame" not in write(correction, taken.act)


def test_a_reference_that_was_not_there_is_not_smuggled_in():
    """A client sends texts. Only the references that the decision holds already may stay."""
    contract = told(*WITH_COMMISSION)
    position = at(WITH_COMMISSION, NeedExpressed)
    sent = {"position": position, "reason": WHY, "fields": {"text": text_ref("x").model_dump()}}
    with pytest.raises(ValidationError) as raised:
        DecisionRectified.parse(json.dumps(sent), keeper=Keeper(), contract=contract)
    assert [each["loc"] for each in raised.value.errors()] == [("fields", "text")]
    sent["fields"]["text"] = contract.history[position - 1].decision.text.model_dump()
    sent["fields"]["theme"] = "mobility"
    assert DecisionRectified.parse(json.dumps(sent), keeper=Keeper(), contract=contract)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"position": 14',
        b"[" * 100_000,
        b'{"position": 14, "fields": ' + b'{"a":' * 50_000,
        b'{"position": 1' + b"0" * 5_000 + b"}",
        b'{"position": 14, "reason": "x", "fields": {"amount": 1e400}}',
        b'{"position": 14, "reason": "x", "fields": {"amount": NaN}}',
        b'{"position": 14, "reason": "x", "fields": {"amount": "\\ud800"}}',
        b'{"position": 14, "reason": "x", "fields": {"year": 1' + b"0" * 5_000 + b"}}",
        b'{"position": 14, "reason": "\\u0000", "fields": {"year": 2015}}',
        b'{"position": true, "reason": "x", "fields": {}}',
        b'{"position": 14, "reason": "x", "fields": {}, "written_under": 3}',
        b"\xff\xfe",
    ],
    ids=lambda sent: sent[:40].decode(errors="replace"),
)
def test_what_cannot_be_read_is_a_fault_of_the_fields_and_nothing_else(sent):
    with pytest.raises(ValidationError):
        DecisionRectified.parse(sent, keeper=Keeper(), contract=told(*PROMOTED))


def test_a_correction_reads_back_as_it_was_written():
    contract = told(*BUDGET_RAISED)
    last = contract.history[-1]
    payload = write(last.decision, last.act)
    assert read("decision-rectified", 1, payload).data == last.decision
    assert json.loads(payload)["data"]["fields"] == {"amount": "25000.00"}


def test_findings_of_a_correction_say_which_decision_and_why():
    law = (
        given(SPENT)
        .when(annuls(SPENT, FundsCommitted, Body.SERVICE))
        .refused(LaterDecisionImpossible)
    )
    (found,) = law.found()
    assert "Dépense enregistrée" in found.message("fr")
    assert "engagés" in found.message("fr")
    assert "Expenditure recorded" in found.message("en")
    assert "committed" in found.message("en")


ENDS = ("0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31")


@pytest.mark.parametrize("end", [*ENDS, "2026-11-23"])
def test_no_decision_is_moved_into_the_future_or_out_of_the_calendar(end):
    """Whatever was decided, and however the day of a later decision depends on it."""
    contract = told(*CLOSED)
    for recorded in contract.history:
        about = {"position": recorded.position, "reason": WHY, "decided_on": end}
        moved = take(DecisionRectified, "2018-10-01", by=recorded.act.body, **about)
        refusals = moved.judged(contract).refusals
        assert {type(refusal) for refusal in refusals} == {LaterDecisionImpossible}


@pytest.mark.parametrize("end", ENDS)
def test_no_day_of_a_decision_is_moved_out_of_the_calendar(end):
    contract = told(*CLOSED)
    days = [
        (recorded, name) for recorded in contract.history for name, _ in days_of(recorded.decision)
    ]
    assert days
    for recorded, name in days:
        about = {"position": recorded.position, "reason": WHY, "fields": {name: end}}
        moved = take(DecisionRectified, "2018-10-01", by=recorded.act.body, **about)
        refusals = moved.judged(contract).refusals
        assert {type(refusal) for refusal in refusals} == {LaterDecisionImpossible}


def test_departures_of_the_first_decision_stay_with_what_stands():
    corrected = told(
        *HURRIED,
        rectifies(HURRIED, PlenaryHeld, Body.PLENARY, attendance={"residents": 81}),
    )
    held = next(
        recorded
        for recorded in effective(corrected.history)
        if isinstance(recorded.decision, PlenaryHeld)
    )
    assert set(held.act.departures) == {PromotionTooShort.id}
    assert DepartmentsNotInformed.id not in held.act.departures
    assert held.decision.attendance.residents == 81


def test_a_decision_of_a_body_no_longer_competent_is_left_alone():
    """History is not judged again when a rule changes, and a correction is no exception."""
    contract = told(*PROMOTED)
    competent = OperatingBudgetGranted.taken_by
    OperatingBudgetGranted.taken_by = frozenset({Body.PROJECT_LEAD})
    try:
        law = given(PROMOTED).when(
            rectifies(PROMOTED, PromotionActivityHeld, UNIT, people_reached=50)
        )
        assert law.taken.judged(contract).refusals == ()
    finally:
        OperatingBudgetGranted.taken_by = competent
