"""What may be forgotten is taken out of the vault; every event stays as it was (LIPAD)."""

from domain.chapters.erasure import PartOfNoDecision, PersonErased, TextErased
from domain.chapters.plenaries import PromotionTooShort
from tests.domain.given import Laws, each_of, given, person, text_ref
from tests.domain.stages import (
    BEFORE_PROMOTION,
    CLOSED,
    COORDINATOR,
    PROMOTES,
    WITH_COMMISSION,
    plenary,
)

BASIS = {"by": COORDINATOR, "basis_of_erasure": "LIPAD 47"}
JUSTIFIED = (
    *BEFORE_PROMOTION,
    PROMOTES.on("2014-04-01"),
    plenary("p1", "2014-05-20", "2014-06-16")[0].departing_from(PromotionTooShort),
)
VOICED = text_ref("On aimerait pouvoir s'asseoir à l'ombre.").text

LAWS: Laws = {
    "a person's identity is erased": given(WITH_COMMISSION)
    .when(PersonErased, **BASIS, person=person("anna"))
    .recorded(lambda c: person("anna") in c.delegates),
    "only somebody that the contract names is erased": given(WITH_COMMISSION)
    .when(PersonErased, **BASIS, person=person("hugo"))
    .refused(PartOfNoDecision, id=person("hugo")),
    "a text is erased": given(WITH_COMMISSION).when(TextErased, **BASIS, text=VOICED).recorded(),
    "a justification is a text, too": given(JUSTIFIED)
    .when(TextErased, **BASIS, text=text_ref("because of promotion-too-short").text)
    .recorded(),
    "only a text of the contract is erased": given(WITH_COMMISSION)
    .when(TextErased, **BASIS, text=person("anna").replace("a", "b"))
    .refused(PartOfNoDecision),
    "an end does not keep anybody from being forgotten": given(CLOSED)
    .when(PersonErased, **BASIS, person=person("anna"))
    .recorded(),
    "erasing names its legal basis": given(WITH_COMMISSION)
    .when(PersonErased, by=COORDINATOR, person=person("anna"))
    .malformed("basis_of_erasure"),
}


@each_of(LAWS)
def test_erasure(law):
    law.holds()
