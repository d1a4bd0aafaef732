"""Who the council puts in charge (§2, §3.2)."""

from domain.chapters.initiation import ContractSuspended
from domain.chapters.offices import (
    CoordinatorAppointed,
    CoordinatorInOffice,
    CoordinatorRelieved,
    DelegateAlreadyNamed,
    EndsBeforeItBegins,
    NoCoordinatorInOffice,
    NoSuccessorNamed,
    NotADelegate,
    ServiceDelegateNamed,
    ServiceDelegateRecalled,
    TermsOverlap,
)
from domain.rules.chronology import BeforeItsCause
from domain.rules.references import ServiceOfAnotherDepartment, UnknownDepartment, UnknownService
from tests.domain.given import Laws, day, each_of, given, person, take
from tests.domain.stages import (
    APPOINTS,
    BEFORE_PROMOTION,
    INITIATED,
    LAUNCHED,
    PROMOTED,
    WITH_COMMISSION,
)

NAMED = {"person": person("fanny"), "service": "youth", "department": "social"}
RELIEVED = (*BEFORE_PROMOTION, take(CoordinatorRelieved, "2014-03-15", ends_on="2014-03-31"))

LAWS: Laws = {
    "nobody coordinates a contract that is not begun": given(INITIATED)
    .when(CoordinatorAppointed, person=person("emma"), starts_on="2014-02-19")
    .refused(BeforeItsCause, since=day("2014-02-20")),
    "a term may begin on the day of the contract": given(INITIATED)
    .when(CoordinatorAppointed, person=person("emma"), starts_on="2014-02-20")
    .recorded(),
    "the council appoints a coordinator": given(INITIATED)
    .when(APPOINTS)
    .recorded(lambda c: c.coordinator == person("emma")),
    "there is one coordinator at a time": given(BEFORE_PROMOTION)
    .when(CoordinatorAppointed, person=person("fanny"), starts_on="2014-04-01")
    .refused(CoordinatorInOffice),
    "a term does not begin before the last one ends": given(RELIEVED)
    .when(CoordinatorAppointed, person=person("fanny"), starts_on="2014-03-20")
    .refused(TermsOverlap, left_on=day("2014-03-31")),
    "a term begins when the last one ends": given(RELIEVED)
    .when(CoordinatorAppointed, person=person("fanny"), starts_on="2014-03-31")
    .recorded(),
    "before the launch a coordinator may leave without a successor": given(BEFORE_PROMOTION)
    .when(CoordinatorRelieved, ends_on="2014-03-31")
    .recorded(lambda c: c.coordinator is None),
    "after the launch a successor is named at once": given(LAUNCHED)
    .when(CoordinatorRelieved, ends_on="2014-07-31", successor=person("fanny"))
    .recorded(lambda c: c.coordinator == person("fanny")),
    "after the launch the office is never empty": given(LAUNCHED)
    .when(CoordinatorRelieved, ends_on="2014-07-31")
    .refused(NoSuccessorNamed, launched_on=day("2014-06-16")),
    "only a coordinator in office is relieved": given(INITIATED)
    .when(CoordinatorRelieved, ends_on="2014-07-31")
    .refused(NoCoordinatorInOffice),
    "a term ends after it began": given(BEFORE_PROMOTION)
    .when(CoordinatorRelieved, ends_on="2014-02-28")
    .refused(EndsBeforeItBegins, began_on=day("2014-03-01")),
    "a successor's term ends after it began": given(
        LAUNCHED,
        take(CoordinatorRelieved, "2014-07-01", ends_on="2014-07-31", successor=person("fanny")),
    )
    .when(CoordinatorRelieved, ends_on="2014-07-30", successor=person("gilles"))
    .refused(EndsBeforeItBegins, began_on=day("2014-07-31")),
    "people change while a contract is suspended": given(
        LAUNCHED, take(ContractSuspended, "2014-06-20", reason="Budget gelé.")
    )
    .when(CoordinatorRelieved, ends_on="2014-07-31", successor=person("fanny"))
    .recorded(),
    "the council names a service's delegate": given(INITIATED)
    .when(ServiceDelegateNamed, **NAMED)
    .recorded(lambda c: c.service_delegates == {person("fanny"): day("2014-02-21")}),
    "a delegate comes from one of the departments": given(INITIATED)
    .when(ServiceDelegateNamed, **NAMED | {"department": "weather"})
    .refused(UnknownDepartment, ServiceOfAnotherDepartment, department="weather"),
    "a delegate comes from a known service": given(INITIATED)
    .when(ServiceDelegateNamed, **NAMED | {"service": "nobody"})
    .refused(UnknownService, service="nobody"),
    "a service belongs to one department": given(INITIATED)
    .when(ServiceDelegateNamed, **NAMED | {"department": "culture"})
    .refused(ServiceOfAnotherDepartment, department="social"),
    "a person is a service's delegate once": given(PROMOTED)
    .when(ServiceDelegateNamed, **NAMED | {"person": person("claire")})
    .refused(DelegateAlreadyNamed),
    "a recalled delegate leaves the commission": given(WITH_COMMISSION)
    .when(ServiceDelegateRecalled, person=person("claire"), reason="Autre mandat.")
    .recorded(lambda c: person("claire") not in c.seated(day("2014-07-01"))),
    "nobody is recalled before being named": given(PROMOTED)
    .when(ServiceDelegateRecalled, on="2014-03-31", person=person("claire"))
    .refused(NotADelegate),
    "only a delegate is recalled": given(PROMOTED)
    .when(ServiceDelegateRecalled, person=person("anna"))
    .refused(NotADelegate),
}


@each_of(LAWS)
def test_offices(law):
    law.holds()
