"""The coordination commission, on equal terms (§3.2)."""

from dataclasses import replace

import pytest

from domain.chapters.commission import (
    AlreadyADelegate,
    CommissionConstituted,
    CommissionMet,
    DelegateDesignated,
    DelegateElected,
    DelegatesResigned,
    NoCoordinator,
    NoParity,
    NotAMember,
    NotAnElectedDelegate,
    NotAServiceDelegate,
    OneSideAbsent,
    OpennessMeasureTaken,
    SeatTakenTwice,
)
from domain.chapters.initiation import FrameworkSuperseded
from domain.chapters.offices import CoordinatorRelieved, ServiceDelegateRecalled
from domain.kernel.contract import Contract
from domain.kernel.framework import CADRE_2014
from domain.rules.gathering import CommissionInquorate, PlenaryNotHeld, Purpose
from tests.domain.given import Laws, day, each_of, given, person, take, told
from tests.domain.stages import (
    CONSTITUTES,
    DRAFTED,
    INITIATES,
    LAUNCHED,
    PLENARY_HELD,
    PROMOTED,
    WITH_COMMISSION,
    WITH_DELEGATES,
    plenary,
    seats,
)

MANDATE = {"person": person("hugo"), "capacity": "shopkeeper", "plenary": "p1"}
BOTH = [person("anna"), person("claire")]
OPENS = {"channel": "open_meeting", "audience": "Habitant-e-s", "description": "Séance ouverte."}


def resigned(*names, on="2014-07-15"):
    return take(
        DelegatesResigned, on, persons=[person(name) for name in names], reason="Trop lent."
    )


UNEVEN = (
    *WITH_DELEGATES,
    CONSTITUTES.but(seats=seats(service=("claire",))).departing_from(NoParity),
)

WITHOUT_PARITY = (
    INITIATES.departing_from(FrameworkSuperseded).but(framework="pilots-2009"),
    *WITH_COMMISSION[1:],
)

LAWS: Laws = {
    "a plenary elects a delegate": given(LAUNCHED)
    .when(DelegateElected, **MANDATE, votes=42)
    .recorded(lambda c: c.delegates == {person("hugo"): day("2014-06-17")}),
    "a plenary designates a delegate without a vote": given(LAUNCHED)
    .when(DelegateDesignated, **MANDATE)
    .recorded(),
    "a delegate is elected once": given(WITH_DELEGATES)
    .when(DelegateElected, **MANDATE | {"person": person("anna")})
    .refused(AlreadyADelegate),
    "a delegate is not designated besides": given(WITH_DELEGATES)
    .when(DelegateDesignated, **MANDATE | {"person": person("anna")})
    .refused(AlreadyADelegate),
    "a plenary elects when it is held for that": given(PLENARY_HELD)
    .when(DelegateElected, **MANDATE | {"plenary": "p2"})
    .refused(PlenaryNotHeld, purpose=Purpose.ELECTION),
    "a plenary elects when it is held, not before": given(LAUNCHED)
    .when(DelegateElected, **MANDATE, on="2014-06-15")
    .refused(PlenaryNotHeld),
    "a plenary designates when it is held for that": given(PLENARY_HELD)
    .when(DelegateDesignated, **MANDATE | {"plenary": "p2"})
    .refused(PlenaryNotHeld),
    "delegates resign en bloc": given(WITH_COMMISSION)
    .when(resigned("anna", "bruno"))
    .recorded(lambda c: not c.delegates and len(c.seated(day("2014-07-15"))) == 2),
    "only a delegate resigns": given(WITH_COMMISSION)
    .when(resigned("anna", "claire"))
    .refused(NotAnElectedDelegate, person=person("claire")),
    "nobody resigns before being elected": given(WITH_COMMISSION)
    .when(resigned("anna", on="2014-06-15"))
    .refused(NotAnElectedDelegate, person=person("anna")),
    "nobody sits before being elected": given(
        WITH_DELEGATES, take(DelegateElected, "2014-07-20", **MANDATE)
    )
    .when(CommissionConstituted, on="2014-07-10", seats=seats(("anna", "hugo")))
    .refused(NotAnElectedDelegate, person=person("hugo")),
    "the commission takes its seats": given(WITH_DELEGATES)
    .when(CONSTITUTES)
    .recorded(lambda c: len(c.commission) == 4),
    "the commission comprises the coordinator": given(
        PROMOTED,
        take(CoordinatorRelieved, "2014-05-01", ends_on="2014-05-31"),
    )
    .when(CommissionConstituted, on="2014-06-30", seats=seats(neighbourhood=()))
    .refused_among_others(NoCoordinator),
    "who sits for the neighbourhood was elected by it": given(LAUNCHED)
    .when(CommissionConstituted, seats=seats())
    .refused(NotAnElectedDelegate, person=person("anna")),
    "who sits for the services was named by the council": given(WITH_DELEGATES)
    .when(CommissionConstituted, seats=seats(service=("claire", "hugo")))
    .refused(NotAServiceDelegate, person=person("hugo")),
    "a person holds one seat": given(WITH_DELEGATES)
    .when(CommissionConstituted, seats=seats(("anna", "anna"), ("claire",)))
    .refused(SeatTakenTwice, person=person("anna")),
    "both sides have as many seats": given(WITH_DELEGATES)
    .when(CommissionConstituted, seats=seats(service=("claire",)))
    .refused(NoParity, neighbourhood=2, services=1),
    "an uneven commission needs a justification": given(WITH_DELEGATES)
    .when(CommissionConstituted, seats=seats(service=("claire",)), departing=[NoParity])
    .recorded(),
    "the commission meets": given(WITH_COMMISSION)
    .when(CommissionMet, present=[*BOTH, person("emma")], agenda="Premiers pas.")
    .recorded(),
    "an imbalance that was justified does not paralyse": given(UNEVEN)
    .when(CommissionMet, present=BOTH)
    .recorded(),
    "a justified imbalance that grows paralyses": given(
        UNEVEN, take(ServiceDelegateRecalled, "2014-07-01", person=person("claire"))
    )
    .when(CommissionMet, present=[person("anna")], departing=[OneSideAbsent])
    .refused(CommissionInquorate, neighbourhood=2, services=0),
    "an inquorate commission still tells everybody what happens": given(
        WITH_COMMISSION, resigned("anna")
    )
    .when(OpennessMeasureTaken, **OPENS)
    .recorded(),
    "the commission meets with both sides present": given(WITH_COMMISSION)
    .when(CommissionMet, present=[person("anna"), person("bruno"), person("emma")])
    .refused(OneSideAbsent, neighbourhood=2, services=0),
    "a meeting of one side needs a justification": given(WITH_COMMISSION)
    .when(CommissionMet, present=[person("anna")], departing=[OneSideAbsent])
    .recorded(),
    "who is counted present sits on the commission": given(WITH_COMMISSION)
    .when(CommissionMet, present=[*BOTH, person("hugo")])
    .refused(NotAMember, person=person("hugo")),
    "a commission that lost its parity decides nothing": given(WITH_COMMISSION, resigned("anna"))
    .when(CommissionMet, present=[person("bruno"), person("claire")])
    .refused(CommissionInquorate, neighbourhood=1, services=2),
    "a commission that one side has left decides nothing": given(
        WITH_COMMISSION, resigned("anna", "bruno")
    )
    .when(CommissionMet, present=[person("claire")])
    .refused_among_others(CommissionInquorate, neighbourhood=0, services=2),
    "even where parity is not asked for, both sides must be there": given(
        WITHOUT_PARITY, resigned("anna", "bruno")
    )
    .when(CommissionMet, present=[person("claire")], departing=[OneSideAbsent])
    .refused(CommissionInquorate, neighbourhood=0, services=2),
    "where parity is not asked for, an uneven loss does not paralyse": given(
        WITHOUT_PARITY, resigned("anna")
    )
    .when(CommissionMet, present=[person("bruno"), person("claire")])
    .recorded(),
    "an even loss on both sides leaves parity": given(
        WITH_COMMISSION,
        resigned("anna"),
        take(ServiceDelegateRecalled, "2014-07-16", person=person("claire")),
    )
    .when(CommissionMet, present=[person("bruno"), person("david")])
    .recorded(),
    "what was decided before the loss may be recorded after it": given(
        WITH_COMMISSION, resigned("anna", "bruno")
    )
    .when(CommissionMet, present=BOTH, on="2014-07-10")
    .recorded(),
    "constituted anew, the commission decides again": given(
        WITH_COMMISSION,
        resigned("anna"),
        CONSTITUTES.but(seats=seats(("bruno",), ("claire",))).on("2014-08-01"),
    )
    .when(CommissionMet, present=[person("bruno"), person("claire")])
    .recorded(),
    "the commission opens itself to all": given(WITH_COMMISSION)
    .when(OpennessMeasureTaken, **OPENS)
    .recorded(),
    "a delegate who resigned may be elected again": given(
        DRAFTED,
        resigned("anna", on="2015-04-05"),
        *plenary("p2", "2015-04-10", "2015-05-20", "election"),
    )
    .when(DelegateElected, **MANDATE | {"person": person("anna"), "plenary": "p2"})
    .recorded(),
}


@each_of(LAWS)
def test_commission(law):
    law.holds()


@pytest.mark.parametrize(
    ("side", "counted"), [(None, (2, 2)), ("neighbourhood", (3, 2)), ("service", (2, 3))]
)
def test_the_coordinator_counts_on_the_side_that_the_framework_says(side, counted):
    """§3.2 names the coordinator beside both sides, so the Cadre counts nobody besides them."""
    framework = replace(CADRE_2014, coordinator_counts_for=side)
    sides = told(*WITH_COMMISSION).seated(day("2014-07-01")).values()
    assert Contract("x", framework=framework).sides(sides) == counted


def test_resigning_from_the_neighbourhood_leaves_a_service_mandate():
    story = (
        *WITH_DELEGATES,
        take(
            DelegateElected,
            "2014-06-16",
            person=person("claire"),
            capacity="resident",
            plenary="p1",
        ),
        CONSTITUTES,
        resigned("claire"),
    )
    contract = told(*story)
    assert person("claire") in contract.service_delegates
    assert person("claire") in contract.seated(day("2014-07-20"))
