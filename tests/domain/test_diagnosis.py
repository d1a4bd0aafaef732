"""The shared diagnosis (§4.2)."""

from domain.chapters.diagnosis import (
    DiagnosisShared,
    DiagnosisTooLong,
    DiagnosisTooShort,
    MergedIntoItself,
    NeedExpressed,
    NeedLeftOpen,
    NeedSetAside,
    NeedSettled,
    NeedsMerged,
)
from domain.kernel.act import Body
from domain.rules.references import AlreadyKnown, UnknownTheme
from tests.domain.given import Laws, day, each_of, given, take
from tests.domain.stages import COMMISSION, DIAGNOSED, LAUNCHED, WITH_GROUP, need

VOICED = {
    "need": "n9",
    "title": "De l'ombre",
    "origin": "written",
    "theme": "public-space",
    "text": "Il fait trop chaud sur la place.",
    "plenary": "p1",
    "point": {"longitude": 6.15, "latitude": 46.21},
}

ALL_BUT_N3 = (
    *WITH_GROUP,
    take(NeedsMerged, "2014-10-01", by=COMMISSION, needs=["n2"], into="n1"),
    take(NeedSetAside, "2014-10-02", need="n3", reason="Relève du canton."),
)
SHARES = {"needs": ["n1", "n4"], "text": "Deux besoins ressortent."}
VOICED_LATER = (*DIAGNOSED, need("n5", "2015-03-01"))

LAWS: Laws = {
    "a need is voiced": given(LAUNCHED)
    .when(NeedExpressed, by=Body.COMMUNITY_UNIT, **VOICED)
    .recorded(lambda c: c.needs["n9"].outcome is None),
    "needs are voiced before the launch, too": given(LAUNCHED[:-1])
    .when(NeedExpressed, by=Body.COMMUNITY_UNIT, **VOICED | {"origin": "promotion"})
    .recorded(),
    "each need has its own name": given(DIAGNOSED[:-1])
    .when(NeedExpressed, by=Body.PLENARY, **VOICED | {"need": "n1"})
    .refused(AlreadyKnown, id="n1"),
    "a need has a known theme": given(LAUNCHED)
    .when(NeedExpressed, by=Body.PLENARY, **VOICED | {"theme": "weather"})
    .refused(UnknownTheme),
    "a need's place is in the canton": given(LAUNCHED)
    .when(
        NeedExpressed,
        by=Body.PLENARY,
        **VOICED | {"point": {"longitude": 7.44, "latitude": 46.95}},
    )
    .malformed("point/longitude", "point/latitude"),
    "plenaries go on hearing needs after the diagnosis": given(DIAGNOSED)
    .when(need("n5", "2015-03-01"))
    .recorded(),
    "needs that say the same are merged": given(WITH_GROUP)
    .when(NeedsMerged, by=Body.WORKING_GROUP, needs=["n2", "n3"], into="n1")
    .recorded(lambda c: c.needs["n2"].into == "n1"),
    "a need is merged once": given(ALL_BUT_N3)
    .when(NeedsMerged, by=COMMISSION, needs=["n2"], into="n4")
    .refused(NeedSettled, need="n2"),
    "a need does not live on in one that is set aside": given(ALL_BUT_N3)
    .when(NeedsMerged, by=COMMISSION, needs=["n4"], into="n3")
    .refused(NeedSettled, need="n3"),
    "a need is not merged into itself": given(WITH_GROUP)
    .when(NeedsMerged, by=COMMISSION, needs=["n1", "n2"], into="n1")
    .refused(MergedIntoItself, need="n1"),
    "a need voiced later may live on in a retained one": given(VOICED_LATER)
    .when(NeedsMerged, by=COMMISSION, needs=["n5"], into="n1")
    .recorded(),
    "the commission sets a need aside": given(WITH_GROUP)
    .when(NeedSetAside, need="n3", reason="Relève du canton.")
    .recorded(lambda c: c.needs["n3"].outcome == "set_aside"),
    "a need is not set aside without a reason": given(WITH_GROUP)
    .when(NeedSetAside, need="n3")
    .malformed("reason"),
    "what is retained is not set aside": given(DIAGNOSED)
    .when(NeedSetAside, need="n1", reason="Relève du canton.")
    .refused(NeedSettled),
    "the commission shares the diagnosis": given(ALL_BUT_N3)
    .when(DiagnosisShared, on="2015-02-10", **SHARES)
    .recorded(lambda c: c.needs["n4"].outcome == "retained"),
    "what was set aside is not retained": given(ALL_BUT_N3)
    .when(DiagnosisShared, on="2015-02-10", **SHARES | {"needs": ["n1", "n3", "n4"]})
    .refused(NeedSettled, need="n3"),
    "every need is answered for": given(WITH_GROUP)
    .when(DiagnosisShared, on="2015-02-10", **SHARES)
    .refused(NeedLeftOpen, need="n2"),
    "the diagnosis takes seven months": given(ALL_BUT_N3)
    .when(DiagnosisShared, on="2015-01-15", **SHARES)
    .refused(DiagnosisTooShort, from_=day("2015-01-16"), months=7),
    "an early diagnosis needs a justification": given(ALL_BUT_N3)
    .when(DiagnosisShared, on="2014-12-01", **SHARES, departing=[DiagnosisTooShort])
    .recorded(),
    "seven months to the day is enough": given(ALL_BUT_N3)
    .when(DiagnosisShared, on="2015-01-16", **SHARES)
    .recorded(),
    "ten months to the day is in time": given(ALL_BUT_N3)
    .when(DiagnosisShared, on="2015-04-16", **SHARES)
    .recorded(),
    "the diagnosis takes ten months at most": given(ALL_BUT_N3)
    .when(DiagnosisShared, on="2015-04-17", **SHARES)
    .refused(DiagnosisTooLong, until=day("2015-04-16"), months=10),
    "a late diagnosis needs a justification": given(ALL_BUT_N3)
    .when(DiagnosisShared, on="2015-09-30", **SHARES, departing=[DiagnosisTooLong])
    .recorded(),
    "a diagnosis is complemented by needs that were voiced since": given(VOICED_LATER)
    .when(DiagnosisShared, on="2016-06-20", needs=["n5"], text="Un besoin s'ajoute.")
    .recorded(lambda c: c.diagnosis_shared_on == day("2015-02-10")),
    "a diagnosis is not shared again for nothing": given(DIAGNOSED)
    .when(DiagnosisShared, on="2015-06-20", **SHARES)
    .refused(NeedSettled),
}


@each_of(LAWS)
def test_diagnosis(law):
    law.holds()
