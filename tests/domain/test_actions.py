"""Actions: proposed, revised, ranked, then chosen (§3.1, §3.3, §4.2)."""

from domain.chapters.actions import (
    ActionChosen,
    ActionDecided,
    ActionRetained,
    ActionRevised,
    ActionSetAside,
    ActionsPrioritised,
    AnswersNoRetainedNeed,
    DiagnosisNotShared,
    GroupNotNamed,
    RankedTwice,
)
from domain.chapters.approval import RoadmapReturned
from domain.chapters.roadmap import RoadmapDrafted
from domain.chapters.working_groups import WorkingGroupDissolved
from domain.kernel.act import Body
from domain.rules.gathering import GroupDissolved, PlenaryNotHeld
from domain.rules.references import AlreadyKnown, Unknown, UnknownService, UnknownTheme
from tests.domain.given import Laws, each_of, given, take
from tests.domain.stages import (
    APPROVED,
    CHOSEN,
    COMMISSION,
    DIAGNOSED,
    GROUP,
    PLENARY_HELD,
    PROPOSED,
    SUBMITTED,
    WITH_GROUP,
    action,
)

BEFORE_DIAGNOSIS = (*WITH_GROUP, action("a1", "2014-10-01", "n1"))
PROPOSES = action("a9", "2015-03-05", "n1")
REVISES = {"by": COMMISSION, "action": "a1"}
RANKS = {"actions": ["a2", "a1"]}

RETURNED = (
    *SUBMITTED,
    take(RoadmapReturned, "2015-06-20", version=1, reasons="L'action a3 fait double emploi."),
)
A3_SET_ASIDE = take(ActionSetAside, "2015-06-25", action="a3", reason="Double emploi.")

LAWS: Laws = {
    "an action is proposed in answer to needs": given(DIAGNOSED)
    .when(PROPOSES)
    .recorded(lambda c: c.actions["a9"].needs == ("n1",)),
    "an action answers some need": given(DIAGNOSED).when(PROPOSES, needs=[]).malformed("needs"),
    "each action has its own name": given(PROPOSED)
    .when(action("a1", "2015-03-05", "n1"))
    .refused(AlreadyKnown, id="a1"),
    "an action answers needs that the diagnosis retained": given(DIAGNOSED)
    .when(action("a9", "2015-03-05", "n3"))
    .refused(AnswersNoRetainedNeed, action="a9"),
    "a merged need lives on in a retained one": given(DIAGNOSED)
    .when(action("a9", "2015-03-05", "n2"))
    .recorded(),
    "before the diagnosis any need may be answered": given(WITH_GROUP)
    .when(action("a9", "2014-10-01", "n3"))
    .recorded(),
    "what was proposed before the diagnosis may be recorded after it": given(DIAGNOSED)
    .when(action("a9", "2014-10-03", "n3"))
    .recorded(),
    "an action has a known theme": given(DIAGNOSED)
    .when(PROPOSES, theme="weather")
    .refused(UnknownTheme),
    "an action's lead is a known service": given(DIAGNOSED)
    .when(PROPOSES, lead_service="nobody")
    .refused(UnknownService),
    "an action is put differently": given(PROPOSED)
    .when(
        ActionRevised,
        **REVISES,
        title="Des arbres et des bancs",
        needs=["n4"],
        theme="mobility",
        lead_service="roads",
    )
    .recorded(lambda c: c.actions["a1"].needs == ("n4",)),
    "what is left out of a revision stays": given(PROPOSED)
    .when(ActionRevised, **REVISES, estimate="45000.50")
    .recorded(lambda c: c.actions["a1"].needs == ("n2",)),
    "what the council approved is not revised": given(APPROVED)
    .when(ActionRevised, **REVISES, title="Autre chose")
    .refused(ActionDecided, action="a1"),
    "what the council refused may be revised": given(APPROVED)
    .when(ActionRevised, by=COMMISSION, action="a3", title="Autre chose")
    .recorded(),
    "a revised action still answers a retained need": given(PROPOSED)
    .when(ActionRevised, **REVISES, needs=["n3"])
    .refused(AnswersNoRetainedNeed),
    "a revised action has a known theme": given(PROPOSED)
    .when(ActionRevised, **REVISES, theme="weather")
    .refused(UnknownTheme),
    "a revised action's lead is a known service": given(PROPOSED)
    .when(ActionRevised, **REVISES, lead_service="nobody")
    .refused(UnknownService),
    "a working group ranks actions": given(PROPOSED)
    .when(ActionsPrioritised, by=GROUP, group="g1", **RANKS, votes=[{"action": "a1", "votes": 3}])
    .recorded(),
    "a plenary ranks actions": given(PLENARY_HELD)
    .when(ActionsPrioritised, by=Body.PLENARY, plenary="p2", **RANKS)
    .recorded(),
    "ranking follows the diagnosis": given(BEFORE_DIAGNOSIS)
    .when(ActionsPrioritised, by=COMMISSION, actions=["a1"])
    .refused(DiagnosisNotShared),
    "a ranking names each action once": given(PROPOSED)
    .when(ActionsPrioritised, by=COMMISSION, actions=["a1", "a2", "a1"])
    .refused(RankedTwice, action="a1"),
    "votes go to actions": given(PROPOSED)
    .when(ActionsPrioritised, by=COMMISSION, **RANKS, votes=[{"action": "a9", "votes": 3}])
    .refused(Unknown, id="a9"),
    "a plenary ranks when it is held for that": given(PROPOSED)
    .when(ActionsPrioritised, by=Body.PLENARY, plenary="p1", **RANKS)
    .refused(PlenaryNotHeld),
    "a plenary that ranks is named": given(PROPOSED)
    .when(ActionsPrioritised, by=Body.PLENARY, **RANKS)
    .refused(PlenaryNotHeld),
    "a group that ranks is named": given(PROPOSED)
    .when(ActionsPrioritised, by=GROUP, **RANKS)
    .refused(GroupNotNamed),
    "a dissolved group does not rank": given(
        PROPOSED, take(WorkingGroupDissolved, "2015-03-03", by=COMMISSION, group="g1")
    )
    .when(ActionsPrioritised, by=GROUP, group="g1", **RANKS)
    .refused(GroupDissolved),
    "the commission retains an action": given(PROPOSED)
    .when(ActionRetained, action="a1", remarks="Prioritaire.")
    .recorded(lambda c: c.actions["a1"].choice == "retained"),
    "the choice follows the diagnosis": given(BEFORE_DIAGNOSIS)
    .when(ActionRetained, action="a1")
    .refused(DiagnosisNotShared),
    "what is retained is not retained again": given(CHOSEN)
    .when(ActionRetained, action="a1")
    .refused(ActionChosen),
    "what was set aside may be retained later": given(CHOSEN)
    .when(ActionRetained, action="a4")
    .recorded(),
    "the council's answer is no longer the commission's choice": given(APPROVED)
    .when(ActionRetained, action="a1")
    .refused(ActionDecided, ActionChosen),
    "an action that answers no retained need is not retained": given(
        WITH_GROUP, action("a9", "2014-09-20", "n3"), DIAGNOSED[len(WITH_GROUP) :]
    )
    .when(ActionRetained, action="a9")
    .refused(AnswersNoRetainedNeed),
    "the commission sets an action aside": given(PROPOSED)
    .when(ActionSetAside, action="a4", reason="Trop coûteuse.")
    .recorded(lambda c: c.actions["a4"].settled),
    "an action is not set aside without a reason": given(PROPOSED)
    .when(ActionSetAside, action="a4")
    .malformed("reason"),
    "what is set aside is not set aside again": given(CHOSEN)
    .when(ActionSetAside, action="a4", reason="Trop coûteuse.")
    .refused(ActionChosen),
    "what the council approved is abandoned, not set aside": given(APPROVED)
    .when(ActionSetAside, action="a1", reason="Trop coûteuse.")
    .refused(ActionDecided),
    "after a roadmap is returned, the choice is made anew": given(RETURNED)
    .when(A3_SET_ASIDE)
    .recorded(),
    "and the next version leaves the action out": given(RETURNED, A3_SET_ASIDE)
    .when(RoadmapDrafted, version=2, actions=["a2", "a1"])
    .recorded(),
}


@each_of(LAWS)
def test_actions(law):
    law.holds()
