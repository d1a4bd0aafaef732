"""How a contract begins, is told of, pauses and breaks off (§1, §2, §4.1)."""

from domain.chapters.initiation import (
    ContractInitiated,
    ContractInterrupted,
    ContractResumed,
    ContractSuspended,
    DepartmentInformed,
    FrameworkNotYetAdopted,
    FrameworkSuperseded,
    InformedAfterTheLaunch,
    MunicipalCouncilInformed,
    NoContinuationNamed,
    PerimeterIsFixedAtClosure,
    PerimeterSet,
    StrategicOptionValidated,
    UnknownFramework,
)
from domain.kernel.act import Body
from domain.kernel.life_cycle import NotUnderWay, Standing
from domain.rules.chronology import BeforeItsCause, NotYetHappened
from domain.rules.references import Unknown, UnknownDepartment, UnknownService
from tests.domain.given import Laws, day, each_of, given, person, take
from tests.domain.stages import (
    AMENDED,
    BEFORE_PROMOTION,
    CLOSING,
    INITIATED,
    INITIATES,
    LAUNCHED,
    SQUARE,
    STARTED,
)

SUSPENDED = (*INITIATED, take(ContractSuspended, "2014-03-01", reason="Budget gelé."))

GOES_ON = [
    {"action": "a1", "service": "green-spaces", "what_goes_on": "Les plantations."},
    {"action": "a2", "relay": person("association"), "what_goes_on": "Le chantier."},
]

LAWS: Laws = {
    "the council begins a contract": given()
    .when(INITIATES)
    .recorded(lambda c: (c.standing, c.initiated_on) == (Standing.UNDER_WAY, day("2014-02-20"))),
    "a contract says why technical measures are not enough": given()
    .when(INITIATES.but(justification=None))
    .malformed("justification"),
    "nobody but the council begins a contract": given()
    .when(ContractInitiated, by=Body.COORDINATOR, **INITIATES.fields)
    .not_competent(),
    "a contract is begun once": given(INITIATED)
    .when(INITIATES, on="2014-02-21")
    .refused(NotUnderWay, standing=Standing.UNDER_WAY),
    "a contract is pinned to a known framework": given()
    .when(INITIATES, framework="cadre-1900")
    .refused(UnknownFramework, known=("pilots-2009", "cadre-2014")),
    "a contract begins under a framework that is in force": given()
    .when(INITIATES, on="2014-02-11")
    .refused(FrameworkNotYetAdopted, adopted_on=day("2014-02-12")),
    "the pilots of 2009 predate the Cadre": given()
    .when(INITIATES, on="2009-05-01", framework="pilots-2009")
    .recorded(lambda c: c.framework.version == "pilots-2009"),
    "an old framework needs a justification once it is replaced": given()
    .when(INITIATES, framework="pilots-2009")
    .refused(FrameworkSuperseded, latest="cadre-2014"),
    "a contract that was prepared under the old framework may say so": given()
    .when(INITIATES.departing_from(FrameworkSuperseded), framework="pilots-2009")
    .recorded(),
    "the council sets the perimeter": given(INITIATED)
    .when(PerimeterSet, perimeter=SQUARE)
    .recorded(lambda c: c.perimeter_set_on == day("2014-02-21")),
    "a perimeter replaces the earlier one": given(LAUNCHED)
    .when(PerimeterSet, perimeter=SQUARE, streets=["Rue de Berne", "Rue de Zurich"])
    .recorded(),
    "the perimeter does not move once closure is open": given(CLOSING)
    .when(PerimeterSet, perimeter=SQUARE)
    .refused(PerimeterIsFixedAtClosure, opened_on=day("2018-06-20")),
    "the council suspends a contract": given(INITIATED)
    .when(ContractSuspended, reason="Budget gelé.")
    .recorded(lambda c: c.standing is Standing.SUSPENDED),
    "a suspension gives its reason": given(INITIATED).when(ContractSuspended).malformed("reason"),
    "a suspended contract waits": given(SUSPENDED)
    .when(PerimeterSet, perimeter=SQUARE)
    .refused(NotUnderWay, standing=Standing.SUSPENDED),
    "the council resumes a suspended contract": given(SUSPENDED)
    .when(ContractResumed, reason="Budget voté.")
    .recorded(lambda c: c.standing is Standing.UNDER_WAY),
    "nothing is resumed before it was suspended": given(SUSPENDED)
    .when(ContractResumed, on="2014-02-28", reason="Budget voté.")
    .refused(BeforeItsCause, since=day("2014-03-01")),
    "only a suspended contract is resumed": given(INITIATED)
    .when(ContractResumed, reason="Budget voté.")
    .refused(NotUnderWay),
    "an interruption says who goes on with what is under way": given(AMENDED)
    .when(
        ContractInterrupted,
        reason="Démission en bloc.",
        continuations=[*GOES_ON, {"action": "a5", "service": "youth", "what_goes_on": "Tout."}],
    )
    .recorded(lambda c: c.standing is Standing.INTERRUPTED),
    "an interruption leaves nothing under way to nobody": given(STARTED)
    .when(ContractInterrupted, reason="Démission en bloc.", continuations=GOES_ON[:1])
    .refused(NoContinuationNamed, action="a2"),
    "who goes on is named, not only what goes on": given(STARTED)
    .when(
        ContractInterrupted,
        reason="Démission en bloc.",
        continuations=[*GOES_ON[:1], {"action": "a2", "what_goes_on": "Le chantier."}],
    )
    .refused(NoContinuationNamed, action="a2"),
    "a service that goes on is a known one": given(STARTED)
    .when(
        ContractInterrupted,
        reason="Démission en bloc.",
        continuations=[
            {"action": "a1", "service": "nobody", "what_goes_on": "Les plantations."},
            GOES_ON[1],
        ],
    )
    .refused(UnknownService, service="nobody"),
    "an interruption names actions of the contract": given(LAUNCHED)
    .when(ContractInterrupted, reason="Démission en bloc.", continuations=GOES_ON[:1])
    .refused(Unknown, id="a1"),
    "a suspended contract may break off": given(SUSPENDED)
    .when(ContractInterrupted, reason="Budget refusé.")
    .recorded(),
    "the council informs the municipal council": given(INITIATED)
    .when(MunicipalCouncilInformed, reference="PR-1000")
    .recorded(lambda c: c.council_informed_on == day("2014-02-21")),
    "the municipal council should hear of it before the first plenary": given(LAUNCHED)
    .when(MunicipalCouncilInformed, reference="PR-1001")
    .refused(InformedAfterTheLaunch, launched_on=day("2014-06-16")),
    "the day it was told counts, not the day of the decision": given(LAUNCHED)
    .when(MunicipalCouncilInformed, reference="PR-1001", informed_on="2014-06-01")
    .recorded(),
    "what it will be told it has not been told": given(INITIATED)
    .when(MunicipalCouncilInformed, on="2014-03-05", reference="PR-1", informed_on="2014-03-06")
    .refused(NotYetHappened, day=day("2014-03-06"), until=day("2014-03-05")),
    "it is not told of what is not begun": given(INITIATED)
    .when(MunicipalCouncilInformed, reference="PR-1", informed_on="2014-02-19")
    .refused(BeforeItsCause, since=day("2014-02-20")),
    "informing late needs a justification": given(LAUNCHED)
    .when(MunicipalCouncilInformed, reference="PR-1001", departing=[InformedAfterTheLaunch])
    .recorded(),
    "the steering committee informs a department": given(BEFORE_PROMOTION)
    .when(DepartmentInformed, department="social")
    .recorded(lambda c: c.departments_informed["social"] == day("2014-03-06")),
    "the departments should hear of it before the first plenary": given(LAUNCHED)
    .when(DepartmentInformed, department="social")
    .refused(InformedAfterTheLaunch),
    "a department may be told late, with a justification": given(LAUNCHED)
    .when(DepartmentInformed, department="social", departing=[InformedAfterTheLaunch])
    .recorded(),
    "there are five departments": given(INITIATED)
    .when(DepartmentInformed, department="weather")
    .refused(UnknownDepartment, department="weather"),
    "the steering committee answers a strategic option": given(INITIATED)
    .when(
        StrategicOptionValidated,
        subject="Deux groupes au plus",
        outcome="validated_with_remarks",
        remarks="À revoir dans un an.",
    )
    .recorded(),
}


@each_of(LAWS)
def test_initiation(law):
    law.holds()
