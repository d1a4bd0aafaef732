"""What the steering committee and the council answer to a roadmap (§4.3)."""

from domain.chapters.approval import (
    ActionNotListed,
    ActionUnanswered,
    AnsweredAlready,
    NoReasonGiven,
    NotEndorsed,
    NotSubmitted,
    RoadmapApproved,
    RoadmapEndorsed,
    RoadmapReturned,
)
from domain.chapters.roadmap import RoadmapAmended, RoadmapPresented, RoadmapSubmitted
from tests.domain.given import Laws, each_of, given, take
from tests.domain.stages import (
    APPROVED,
    APPROVES,
    BY_BUDGET,
    ENDORSED,
    PRESENTED,
    SUBMITTED,
    plenary,
)

ANSWERS = APPROVES.fields["answers"]

APPROVED_AGAIN = (
    *APPROVED,
    take(RoadmapAmended, "2015-09-01", version=2, actions=["a1", "a3"], reason="a3 est revue."),
    *plenary("p3", "2016-04-01", "2016-05-10", "work_and_priorities"),
    take(RoadmapPresented, "2016-05-10", version=2, plenary="p3", outcome="supported"),
    take(RoadmapSubmitted, "2016-05-20", version=2),
    take(RoadmapEndorsed, "2016-05-30", version=2),
    take(
        RoadmapApproved,
        "2016-06-10",
        version=2,
        answers=[{"action": name, "verdict": "approved"} for name in ("a1", "a3")],
    ),
)

LAWS: Laws = {
    "the steering committee endorses what was submitted": given(SUBMITTED)
    .when(RoadmapEndorsed, version=1, reasons="Cohérente.")
    .recorded(lambda c: c.roadmaps[1].answer == "endorsed"),
    "what was not submitted is not endorsed": given(PRESENTED)
    .when(RoadmapEndorsed, version=1)
    .refused(NotSubmitted),
    "what was submitted later was not endorsed before": given(SUBMITTED)
    .when(RoadmapEndorsed, version=1, on="2015-05-31")
    .refused(NotSubmitted),
    "the steering committee answers once": given(ENDORSED)
    .when(RoadmapEndorsed, version=1)
    .refused(NotSubmitted),
    "the steering committee sends a roadmap back": given(SUBMITTED)
    .when(RoadmapReturned, version=1, reasons="À chiffrer.")
    .recorded(lambda c: c.roadmaps[1].answer == "returned"),
    "sending back is explained": given(SUBMITTED)
    .when(RoadmapReturned, version=1)
    .malformed("reasons"),
    "what was endorsed is not sent back": given(ENDORSED)
    .when(RoadmapReturned, version=1, reasons="À chiffrer.")
    .refused(NotSubmitted),
    "the council answers action by action": given(ENDORSED)
    .when(APPROVES)
    .recorded(
        lambda c: (
            {name: each.verdict for name, each in c.actions.items()}
            == {"a1": "approved", "a2": "approved_with_condition", "a3": "refused", "a4": None}
        )
    ),
    "the council decides on what the committee endorsed": given(SUBMITTED)
    .when(APPROVES)
    .refused(NotEndorsed, version=1),
    "what was sent back is not approved": given(
        SUBMITTED, take(RoadmapReturned, "2015-06-20", version=1, reasons="À chiffrer.")
    )
    .when(APPROVES)
    .refused(NotEndorsed),
    "what was endorsed later was not approved before": given(ENDORSED)
    .when(APPROVES, on="2015-06-19")
    .refused(NotEndorsed),
    "the council answers a version once": given(APPROVED)
    .when(APPROVES)
    .refused(AnsweredAlready, version=1),
    "the council answers for every action": given(ENDORSED)
    .when(APPROVES, answers=ANSWERS[:2])
    .refused(ActionUnanswered, action="a3"),
    "the council answers for actions of that version": given(ENDORSED)
    .when(APPROVES, answers=[*ANSWERS, {"action": "a4", "verdict": "approved"}])
    .refused(ActionNotListed, action="a4"),
    "the council answers for each action once": given(ENDORSED)
    .when(APPROVES, answers=[*ANSWERS, ANSWERS[0]])
    .refused(ActionNotListed, action="a1"),
    "a refusal says why": given(ENDORSED)
    .when(APPROVES, answers=[*ANSWERS[:2], {"action": "a3", "verdict": "refused"}])
    .refused(NoReasonGiven, action="a3"),
    "a condition says what it is": given(ENDORSED)
    .when(
        RoadmapApproved,
        version=1,
        answers=[
            ANSWERS[0],
            {"action": "a2", "verdict": "approved_with_condition"},
            ANSWERS[2],
        ],
    )
    .refused(NoReasonGiven, action="a2"),
    "what followed the first approval may be recorded after the second": given(APPROVED_AGAIN)
    .when(BY_BUDGET, on="2015-08-01")
    .recorded(),
}


@each_of(LAWS)
def test_approval(law):
    law.holds()
