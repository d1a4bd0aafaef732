"""Working groups (§3.3)."""

from domain.chapters.working_groups import (
    AlreadyInTheGroup,
    NotInTheGroup,
    WorkingGroupDissolved,
    WorkingGroupFormed,
    WorkingGroupMemberJoined,
    WorkingGroupMemberLeft,
    WorkingGroupReported,
)
from domain.rules.gathering import GroupDissolved
from domain.rules.references import AlreadyKnown, UnknownTheme
from tests.domain.given import Laws, day, each_of, given, person, take
from tests.domain.stages import COMMISSION, GROUP, WITH_COMMISSION, WITH_GROUP

FORMED = {"group": "g2", "title": "Mobilité douce", "theme": "mobility"}
DISSOLVED = (
    *WITH_GROUP,
    take(WorkingGroupDissolved, "2014-09-15", by=GROUP, group="g1", reason="Travail achevé."),
)

LAWS: Laws = {
    "the commission forms a group": given(WITH_COMMISSION)
    .when(WorkingGroupFormed, **FORMED)
    .recorded(lambda c: "g2" in c.groups),
    "only the commission forms a group": given(WITH_COMMISSION)
    .when(WorkingGroupFormed, by=GROUP, **FORMED)
    .not_competent(),
    "each group has its own name": given(WITH_GROUP)
    .when(WorkingGroupFormed, **FORMED | {"group": "g1"})
    .refused(AlreadyKnown, id="g1"),
    "a group works on a known theme": given(WITH_COMMISSION)
    .when(WorkingGroupFormed, **FORMED | {"theme": "weather"})
    .refused(UnknownTheme, theme="weather"),
    "somebody joins a group": given(WITH_GROUP)
    .when(WorkingGroupMemberJoined, by=GROUP, group="g1", person=person("hugo"))
    .recorded(lambda c: person("hugo") in c.groups["g1"].members),
    "nobody joins a dissolved group": given(DISSOLVED)
    .when(WorkingGroupMemberJoined, by=GROUP, group="g1", person=person("hugo"))
    .refused(GroupDissolved, group="g1"),
    "who joined before the end may be recorded after it": given(DISSOLVED)
    .when(WorkingGroupMemberJoined, by=GROUP, on="2014-09-10", group="g1", person=person("hugo"))
    .recorded(),
    "a person joins a group once": given(WITH_GROUP)
    .when(WorkingGroupMemberJoined, by=GROUP, group="g1", person=person("anna"))
    .refused(AlreadyInTheGroup),
    "a member leaves": given(WITH_GROUP)
    .when(WorkingGroupMemberLeft, by=COMMISSION, group="g1", person=person("anna"))
    .recorded(lambda c: not c.groups["g1"].members),
    "nobody leaves before joining": given(WITH_GROUP)
    .when(WorkingGroupMemberLeft, by=GROUP, on="2014-09-01", group="g1", person=person("anna"))
    .refused(NotInTheGroup),
    "only a member leaves": given(WITH_GROUP)
    .when(WorkingGroupMemberLeft, by=GROUP, group="g1", person=person("hugo"))
    .refused(NotInTheGroup),
    "nobody leaves a dissolved group": given(DISSOLVED)
    .when(WorkingGroupMemberLeft, by=GROUP, group="g1", person=person("anna"))
    .refused(GroupDissolved),
    "a group reports its ranked measures": given(WITH_GROUP)
    .when(WorkingGroupReported, by=GROUP, group="g1", measures=["Arbres"], minutes="Unanime.")
    .recorded(),
    "a dissolved group reports nothing": given(DISSOLVED)
    .when(WorkingGroupReported, by=GROUP, group="g1", measures=["Arbres"])
    .refused(GroupDissolved),
    "a group ends its work": given(WITH_GROUP)
    .when(WorkingGroupDissolved, by=COMMISSION, group="g1")
    .recorded(lambda c: c.groups["g1"].dissolved_on == day("2014-09-03")),
    "a group ends once": given(DISSOLVED)
    .when(WorkingGroupDissolved, by=GROUP, group="g1")
    .refused(GroupDissolved),
}


@each_of(LAWS)
def test_working_groups(law):
    law.holds()
