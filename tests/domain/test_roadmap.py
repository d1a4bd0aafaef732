"""The roadmap, from its draft to its submission (§3.2, §4.3, §4.4)."""

from domain.chapters.roadmap import (
    ActionNotRetained,
    AlreadyApproved,
    AlreadySubmitted,
    ListedTwice,
    NothingToAmend,
    NotPresented,
    NotTheNextVersion,
    PresentedBeforeDrafted,
    RoadmapAmended,
    RoadmapDrafted,
    RoadmapPresented,
    RoadmapSubmitted,
)
from domain.rules.gathering import PlenaryNotHeld, Purpose
from tests.domain.given import Laws, day, each_of, given, take
from tests.domain.stages import (
    APPROVED,
    CHOSEN,
    PLENARY_HELD,
    PRESENTED,
    PRESENTS,
    SUBMITTED,
    plenary,
)

DRAFT = {"version": 1, "actions": ["a2", "a1"]}
AMENDS = {"version": 2, "actions": ["a3", "a1"], "reason": "a3 a été revue."}

SHOWN_TOO_EARLY = (
    *CHOSEN,
    *plenary("p2", "2015-03-25", "2015-04-10", "work_and_priorities"),
    take(RoadmapDrafted, "2015-04-20", **DRAFT),
)

LAWS: Laws = {
    "the commission drafts the retained actions": given(CHOSEN)
    .when(RoadmapDrafted, **DRAFT)
    .recorded(lambda c: c.roadmaps[1].actions == ("a2", "a1")),
    "versions follow one another": given(CHOSEN)
    .when(RoadmapDrafted, **DRAFT | {"version": 2})
    .refused(NotTheNextVersion, next=1),
    "a draft may be followed by another": given(SUBMITTED)
    .when(RoadmapDrafted, **DRAFT | {"version": 2})
    .recorded(),
    "a roadmap gathers retained actions": given(CHOSEN)
    .when(RoadmapDrafted, **DRAFT | {"actions": ["a1", "a4"]})
    .refused(ActionNotRetained, action="a4"),
    "an action is retained before it is drafted": given(CHOSEN)
    .when(RoadmapDrafted, on="2015-03-10", **DRAFT)
    .refused(ActionNotRetained),
    "a roadmap lists each action once": given(CHOSEN)
    .when(RoadmapDrafted, **DRAFT | {"actions": ["a1", "a1"]})
    .refused(ListedTwice, action="a1"),
    "once approved, a roadmap is amended": given(APPROVED)
    .when(RoadmapDrafted, **DRAFT | {"version": 2})
    .refused(AlreadyApproved),
    "while following up the commission writes the next version": given(APPROVED)
    .when(RoadmapAmended, **AMENDS)
    .recorded(lambda c: c.roadmaps[2].actions == ("a3", "a1")),
    "an amendment is the next version": given(APPROVED)
    .when(RoadmapAmended, **AMENDS | {"version": 3})
    .refused(NotTheNextVersion, next=2),
    "an amendment gathers retained actions": given(APPROVED)
    .when(RoadmapAmended, **AMENDS | {"actions": ["a4"]})
    .refused(ActionNotRetained),
    "an amendment lists each action once": given(APPROVED)
    .when(RoadmapAmended, **AMENDS | {"actions": ["a1", "a1"]})
    .refused(ListedTwice),
    "only an approved roadmap is amended": given(SUBMITTED)
    .when(RoadmapAmended, **AMENDS)
    .refused(NothingToAmend),
    "the roadmap is put to the whole neighbourhood": given(PLENARY_HELD)
    .when(PRESENTS)
    .recorded(lambda c: c.roadmaps[1].presented_on == day("2015-05-20")),
    "a plenary receives it when it is held for that": given(PLENARY_HELD)
    .when(PRESENTS, plenary="p1")
    .refused(PlenaryNotHeld, PresentedBeforeDrafted, purpose=Purpose.WORK_AND_PRIORITIES),
    "a plenary is shown what is written": given(SHOWN_TOO_EARLY)
    .when(RoadmapPresented, version=1, plenary="p2", outcome="supported")
    .refused(PresentedBeforeDrafted, held_on=day("2015-04-10")),
    "a roadmap that was not supported has still been presented": given(PLENARY_HELD)
    .when(PRESENTS, outcome="not_supported", remarks="Trop peu d'arbres.")
    .recorded(),
    "the commission hands the roadmap in": given(PRESENTED)
    .when(RoadmapSubmitted, version=1)
    .recorded(lambda c: c.roadmaps[1].submitted_on is not None),
    "the neighbourhood sees it before the authorities do": given(PLENARY_HELD)
    .when(RoadmapSubmitted, version=1)
    .refused(NotPresented, version=1),
    "it was presented by the day of its submission": given(PRESENTED)
    .when(RoadmapSubmitted, version=1, on="2015-05-19")
    .refused(NotPresented),
    "a version is handed in once": given(SUBMITTED)
    .when(RoadmapSubmitted, version=1)
    .refused(AlreadySubmitted),
}


@each_of(LAWS)
def test_roadmap(law):
    law.holds()
