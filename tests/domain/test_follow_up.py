"""Following up: who is responsible, and how far it is (§4.4)."""

from domain.chapters.follow_up import (
    ActionAbandoned,
    ActionAssigned,
    ActionCompleted,
    ActionRescheduled,
    ActionStarted,
    AlreadyResponsible,
    AlreadyStarted,
    AssignmentAccepted,
    AssignmentAnswered,
    MilestoneAlreadyReached,
    MilestoneReached,
    MilestoneSet,
    NoResponsibleService,
    NotFunded,
    NotStarted,
    ProgressReported,
)
from domain.chapters.funding import FundsReleased
from domain.kernel.act import Body
from domain.rules.chronology import BeforeItsCause
from domain.rules.following import ActionHasEnded, NotForFollowUp
from domain.rules.references import AlreadyKnown, DatedBeforeItsSubject, Unknown, UnknownService
from tests.domain.given import Laws, day, each_of, given, take
from tests.domain.stages import (
    APPROVED,
    ASSIGNED,
    COMMISSION,
    COUNCIL,
    FUNDED,
    ROUTED,
    STARTED,
)

TO_ROADS = {"by": Body.STEERING_COMMITTEE, "service": "roads"}
STEP = {"by": COMMISSION, "title": "Bancs posés", "due": "2016-10-31"}
REPORT = {"by": Body.SERVICE, "percent": 50, "text": "À moitié."}
MOVES = {"by": COUNCIL, "expected_end": "2017-06-30", "reason": "Pénurie d'arbres."}
GIVES_UP = {"by": COUNCIL, "reason": "Terrain indisponible."}

DONE = (
    *STARTED,
    take(ActionCompleted, "2016-11-30", action="a1", text="Tout est planté."),
    take(ActionAbandoned, "2016-12-01", action="a2", **GIVES_UP),
)
NOT_ASSIGNED = FUNDED
NOT_STARTED = ASSIGNED


def on_ended_and_refused(kind, **fields):
    """An action that ended, and one that the council refused, are not followed up."""
    name = kind.__name__
    return {
        f"{name}: what has ended is over": given(DONE)
        .when(kind, **fields, action="a1")
        .refused_among_others(ActionHasEnded, action="a1"),
        f"{name}: what was abandoned is over": given(DONE)
        .when(kind, **fields, action="a2")
        .refused_among_others(ActionHasEnded, action="a2"),
        f"{name}: what the council refused is not followed up": given(STARTED)
        .when(kind, **fields, action="a3")
        .refused_among_others(NotForFollowUp, action="a3"),
    }


LAWS: Laws = {
    "an action is assigned to a service": given(FUNDED)
    .when(ActionAssigned, **TO_ROADS, action="a2")
    .recorded(lambda c: c.actions["a2"].service == "roads"),
    "another service replaces the one before, and has not accepted yet": given(ASSIGNED)
    .when(ActionAssigned, **TO_ROADS, action="a1")
    .recorded(lambda c: (c.actions["a1"].service, c.actions["a1"].accepted) == ("roads", False)),
    "following up comes after the council's approval": given(FUNDED)
    .when(ActionAssigned, **TO_ROADS, on="2015-07-09", action="a2")
    .refused(NotForFollowUp),
    "a service is not made responsible twice": given(ASSIGNED)
    .when(ActionAssigned, **TO_ROADS, action="a2")
    .refused(AlreadyResponsible, service="roads"),
    "the responsible service is a known one": given(FUNDED)
    .when(ActionAssigned, **TO_ROADS | {"service": "nobody"}, action="a2")
    .refused(UnknownService),
    "the service takes the action on": given(ASSIGNED)
    .when(AssignmentAccepted, action="a2", remarks="Dès le printemps.")
    .recorded(lambda c: c.actions["a2"].accepted),
    "what is assigned to nobody is not taken on": given(NOT_ASSIGNED)
    .when(AssignmentAccepted, action="a1")
    .refused(NoResponsibleService),
    "an assignment is accepted once": given(ASSIGNED)
    .when(AssignmentAccepted, action="a1")
    .refused(AssignmentAnswered),
    "the service begins": given(NOT_STARTED)
    .when(ActionStarted, action="a1", expected_end="2016-12-31")
    .recorded(lambda c: c.actions["a1"].started_on == day("2016-01-13")),
    "no action ends before it starts": given(NOT_STARTED)
    .when(ActionStarted, action="a1", on="2016-01-20", expected_end="2016-01-19")
    .refused(BeforeItsCause, field="expected_end", since=day("2016-01-20")),
    "nobody begins without a responsible service": given(NOT_ASSIGNED)
    .when(ActionStarted, action="a1")
    .refused(NoResponsibleService),
    "nothing begins without funding": given(
        APPROVED, take(ActionAssigned, "2015-07-20", **TO_ROADS, action="a1")
    )
    .when(ActionStarted, action="a1")
    .refused(NotFunded),
    "a credit that is not enforceable funds nothing": given(
        ROUTED, take(ActionAssigned, "2015-08-20", **TO_ROADS, action="a2")
    )
    .when(ActionStarted, action="a2")
    .refused(NotFunded),
    "money that was given back funds nothing": given(
        ASSIGNED,
        take(FundsReleased, "2016-01-15", action="a1", amount="40000", reference="L-1"),
    )
    .when(ActionStarted, action="a1")
    .refused(NotFunded),
    "funding precedes the start": given(ASSIGNED)
    .when(ActionStarted, action="a1", on="2015-07-31")
    .refused(NotFunded),
    "an action starts once": given(STARTED)
    .when(ActionStarted, action="a1")
    .refused(AlreadyStarted),
    "a step is agreed": given(STARTED)
    .when(MilestoneSet, **STEP, action="a1", milestone="m2")
    .recorded(lambda c: "m2" in c.actions["a1"].milestones),
    "a step is agreed for a day to come": given(STARTED)
    .when(
        MilestoneSet, **STEP | {"due": "2016-01-31"}, action="a1", milestone="m2", on="2016-02-01"
    )
    .refused(BeforeItsCause, field="due", since=day("2016-02-01")),
    "each step has its own name": given(STARTED)
    .when(MilestoneSet, **STEP, action="a1", milestone="m1")
    .refused(AlreadyKnown, id="m1"),
    "a step is done": given(STARTED)
    .when(MilestoneReached, by=Body.SERVICE, action="a1", milestone="m1")
    .recorded(lambda c: c.actions["a1"].milestones["m1"].reached),
    "a step that was not agreed is not reached": given(STARTED)
    .when(MilestoneReached, by=Body.SERVICE, action="a1", milestone="m2")
    .refused(Unknown, id="m2"),
    "a step is not reached before it was agreed": given(STARTED)
    .when(MilestoneReached, by=Body.SERVICE, action="a1", milestone="m1", on="2016-01-24")
    .refused(DatedBeforeItsSubject, id="m1", since=day("2016-01-25")),
    "a step is reached once": given(
        STARTED,
        take(MilestoneReached, "2016-02-01", by=COMMISSION, action="a1", milestone="m1"),
    )
    .when(MilestoneReached, by=COMMISSION, action="a1", milestone="m1")
    .refused(MilestoneAlreadyReached),
    "progress is reported": given(STARTED).when(ProgressReported, **REPORT, action="a1").recorded(),
    "progress goes from nothing to all": given(STARTED)
    .when(ProgressReported, **REPORT | {"percent": 101}, action="a1")
    .malformed("percent"),
    "what has not started makes no progress": given(NOT_STARTED)
    .when(ProgressReported, **REPORT, action="a1")
    .refused(NotStarted),
    "the end is moved": given(STARTED).when(ActionRescheduled, **MOVES, action="a1").recorded(),
    "the end is not moved to before the decision": given(STARTED)
    .when(ActionRescheduled, **MOVES | {"expected_end": "2016-02-01"}, action="a1", on="2016-02-02")
    .refused(BeforeItsCause, since=day("2016-02-02")),
    "nor to before the start": given(STARTED)
    .when(ActionRescheduled, **MOVES | {"expected_end": "2016-01-19"}, action="a1", on="2016-01-18")
    .refused(BeforeItsCause, since=day("2016-01-20")),
    "the end may be moved before the action starts": given(NOT_STARTED)
    .when(ActionRescheduled, **MOVES, action="a1")
    .recorded(),
    "moving the end is explained": given(STARTED)
    .when(ActionRescheduled, by=COUNCIL, expected_end="2017-06-30", action="a1")
    .malformed("reason"),
    "the service completes the action": given(STARTED)
    .when(ActionCompleted, action="a1")
    .recorded(lambda c: c.actions["a1"].settled),
    "what has not started is not completed": given(NOT_STARTED)
    .when(ActionCompleted, action="a1")
    .refused(NotStarted),
    "nothing is completed before it started": given(STARTED)
    .when(ActionCompleted, action="a1", on="2016-01-19")
    .refused(NotStarted),
    "an action is given up": given(STARTED)
    .when(ActionAbandoned, **GIVES_UP, action="a2")
    .recorded(lambda c: (c.actions["a2"].settled, c.route("a2").unspent) == (True, 0)),
    "giving up is explained": given(STARTED)
    .when(ActionAbandoned, by=COUNCIL, action="a2")
    .malformed("reason"),
    **on_ended_and_refused(ActionAssigned, **TO_ROADS),
    **on_ended_and_refused(AssignmentAccepted),
    **on_ended_and_refused(ActionStarted),
    **on_ended_and_refused(MilestoneSet, **STEP, milestone="m9"),
    **on_ended_and_refused(MilestoneReached, by=COMMISSION, milestone="m1"),
    **on_ended_and_refused(ProgressReported, **REPORT),
    **on_ended_and_refused(ActionRescheduled, **MOVES),
    **on_ended_and_refused(ActionCompleted),
    **on_ended_and_refused(ActionAbandoned, **GIVES_UP),
}


@each_of(LAWS)
def test_follow_up(law):
    law.holds()
