from datetime import UTC, date, datetime

import pytest
from django.db import transaction

from domain.kernel.act import Body
from domain.kernel.decision import NotCompetent, UnknownDecisionType, decision_type
from domain.kernel.life_cycle import DecidedInTheFuture, NotUnderWay
from domain.kernel.rule import Rule
from infra import vault
from infra.database.connection import cursor
from infra.eventstore.append import Busy, StaleVersion, append
from infra.eventstore.repository import Contracts, contracts, history_of, version_of
from infra.eventstore.store import log_size
from infra.recording.recording import ATTEMPTS, ids_from, record
from infra.recording.refusals import (
    ContractExists,
    InvalidFields,
    MayNotRecordFor,
    Refused,
    TryAgain,
    UnknownContract,
    VersionConflict,
)
from infra.recording.submission import today_in_geneva
from tests.infra.store.acts import (
    AUDITOR,
    COORDINATOR,
    COUNCIL,
    NOW,
    begin,
    choose,
    decide,
    in_threads,
)


def faults(error):
    return {(fault.pointer, fault.code) for fault in error.value.errors}


# --- Beginning ----------------------------------------------------------------------------------


def test_a_contract_begins_at_version_one():
    recorded = begin("paquis").recorded
    assert (recorded.contract, recorded.version, recorded.position) == ("paquis", 1, 1)
    assert recorded.act.body is Body.ADMINISTRATIVE_COUNCIL
    assert recorded.act.decided_on == date(2014, 3, 1)
    assert recorded.recorded_by == COORDINATOR.name


def test_without_an_id_the_title_gives_one():
    assert [begin(None).recorded.contract for _ in range(3)] == ["paquis", "paquis-2", "paquis-3"]


@pytest.mark.parametrize(
    ("title", "first"),
    [
        ("Pâquis – Sécheron", "paquis-secheron"),
        ("  L'Île   d'été ", "l-ile-d-ete"),
        ("Œuvre de la Straße", "oeuvre-de-la-strasse"),
        ("Łódź, Þing & Ærø", "lodz-thing-aero"),
        ("日本", "riben"),
        ("…", "contrat"),
        ("x" * 120, "x" * 50),
    ],
)
def test_an_id_is_short_and_plain(title, first):
    ids = ids_from(title)
    assert (next(ids), next(ids)) == (first, f"{first}-2")


def test_sixteen_contracts_of_one_title_get_an_id_each():
    answers = in_threads(16, lambda _: begin(None).recorded.contract)
    assert len(set(answers)) == 16


def test_an_id_that_is_taken_is_refused():
    begin("paquis")
    with pytest.raises(ContractExists):
        begin("paquis")
    contracts.forget()
    with pytest.raises(ContractExists):
        begin("paquis")
    assert log_size() == 1


@pytest.mark.parametrize("contract", ["", "Pâquis", "a b", "-a", "a" * 61, "a\n"])
def test_an_id_that_is_none_is_refused(contract):
    with pytest.raises(InvalidFields) as error:
        begin(contract)
    assert faults(error) == {("/contract", "contract")}


# --- Refusals -----------------------------------------------------------------------------------


def test_an_unknown_contract_or_type_is_refused():
    with pytest.raises(UnknownContract):
        decide("contract-suspended", "nowhere", data={"reason": "Une raison."})
    begin()
    with pytest.raises(UnknownDecisionType):
        decide("no-such-thing")


def test_everything_wrong_with_the_fields_is_said_at_once():
    with pytest.raises(InvalidFields) as error:
        begin(
            data={"ground": "whim", "title": " ", "territory": 5, "more": 1},
            decided_on="2014-02-30",
            evidence=[{"sha256": "xyz", "title": "PV"}],
            departures={"rule/one": "why", "another": 5},
        )
    assert faults(error) == {
        ("/data/ground", "enum"),
        ("/data/title", "blank"),
        ("/data/territory", "string_type"),
        ("/data/justification", "missing"),
        ("/data/more", "extra_forbidden"),
        ("/decided_on", "date"),
        ("/evidence/0/sha256", "string_pattern_mismatch"),
        ("/departures/rule~1one", "string_pattern_mismatch"),
        ("/departures/another", "string_type"),
    }
    assert log_size() == 0


@pytest.mark.parametrize("data", [b"", b"[]", b"5", b"{", b"[" * 5000, b'{"a":' * 3000, b"\xff"])
def test_data_that_is_no_object_is_refused(data):
    begin()
    for slug in ("contract-suspended", "decision-rectified"):
        with pytest.raises(InvalidFields):
            record("paquis", slug, data, decided_on="2014-04-01", account=COORDINATOR, now=NOW)


@pytest.mark.parametrize(
    "day", [None, "", "2014", "2014-4-1", 1397606400, "2014-04-16T00:00", True]
)
def test_a_day_is_a_day(day):
    with pytest.raises(InvalidFields) as error:
        begin(decided_on=day)
    assert {pointer for pointer, _ in faults(error)} == {"/decided_on"}


def test_rules_refuse_with_all_their_findings_and_nothing_is_written():
    begin()
    with pytest.raises(Refused) as error:
        decide("contract-resumed", data={"reason": "Une raison."}, decided_on="2027-01-01")
    assert {type(finding) for finding in error.value.findings} == {NotUnderWay, DecidedInTheFuture}
    assert cursor().execute("SELECT count(*) FROM vault_text").fetchone() == (1,)
    assert version_of("paquis") == 1


def test_the_day_is_geneva_s():
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert today_in_geneva(late) == date(2026, 11, 23)
    begin(decided_on="2026-11-23", now=late)
    with pytest.raises(Refused):
        choose(decided_on="2026-11-24", now=late)


# --- Who ----------------------------------------------------------------------------------------


def test_a_secretariat_records_for_its_own_body_alone():
    begin(account=COUNCIL)
    with pytest.raises(MayNotRecordFor):
        choose(account=COUNCIL)
    with pytest.raises(MayNotRecordFor):
        decide("contract-suspended", data={"reason": "Une raison."}, account=AUDITOR)


def test_a_body_that_is_not_competent_is_refused():
    begin()
    with pytest.raises(NotCompetent):
        choose(body="plenary")
    with pytest.raises(InvalidFields) as error:
        choose(body="nobody")
    assert faults(error) == {("/body", "body")}


def test_where_several_bodies_are_competent_it_is_the_account_s_own_or_one_is_named():
    begin()
    erasure = {"person": vault.add_person("Somebody", by="test"), "basis_of_erasure": "LIPAD"}
    appoint(erasure["person"])
    assert decide("person-erased", data=erasure).recorded.act.body is Body.COORDINATOR
    with pytest.raises(InvalidFields) as error:
        decide("actions-prioritised", data={}, account=COUNCIL)
    assert ("/body", "missing") in faults(error)


# --- Persons ------------------------------------------------------------------------------------

NOBODY = "00000000-0000-4000-8000-000000000000"


def appoint(person, **more):
    data = {"person": person, "starts_on": "2014-04-01"}
    return decide("coordinator-appointed", data=data, **more)


def test_only_persons_in_the_vault_are_named():
    begin()
    with pytest.raises(InvalidFields) as error:
        appoint(NOBODY)
    assert faults(error) == {("/data/person", "unknown_person")}
    person = vault.add_person("Somebody Made-Up", by="test")
    appoint(person)
    assert set(vault.known_persons([person, NOBODY])) == {person}


def test_persons_are_found_wherever_they_stand():
    begin()
    data = {"persons": [NOBODY, NOBODY], "reason": "Une raison."}
    with pytest.raises(InvalidFields) as error:
        decide("delegates-resigned", data=data)
    assert faults(error) == {
        ("/data/persons/0", "unknown_person"),
        ("/data/persons/1", "unknown_person"),
    }


def test_a_rectification_names_known_persons_too():
    begin()
    position = appoint(vault.add_person("Somebody Made-Up", by="test")).recorded.position
    with pytest.raises(InvalidFields) as error:
        decide(
            "decision-rectified",
            data={"position": position, "fields": {"person": NOBODY}, "reason": "Erreur."},
            body="administrative_council",
        )
    assert faults(error) == {("/data/fields/person", "unknown_person")}


def test_an_erasure_is_carried_out_in_the_vault():
    begin()
    person = vault.add_person("Somebody Made-Up", "somewhere", by="test")
    appoint(person)
    decide(
        "person-erased",
        data={"person": person, "basis_of_erasure": "LIPAD art. 47"},
        body="coordinator",
    )
    erased = vault.person(person)
    assert (erased.name, erased.contact) == (None, None)
    text = history_of("paquis")[0].decision.justification.text
    decide(
        "text-erased",
        data={"text": text, "basis_of_erasure": "LIPAD art. 47"},
        body="coordinator",
    )
    assert vault.texts([text], reader=None) == {text: "[texte effacé]"}
    assert version_of("paquis") == 4


# --- Versions -----------------------------------------------------------------------------------


def test_a_demanded_version_is_held_to():
    begin()
    choose(expected=1)
    missed = choose(expected=2).recorded
    for expected in (1, 2, 5):
        with pytest.raises(VersionConflict) as error:
            choose(expected=expected)
        assert error.value.current == 3
    with pytest.raises(VersionConflict) as error:
        choose(expected=2)
    assert error.value.missed == (missed,)


def test_what_another_process_recorded_is_taken_in(monkeypatch):
    """Two caches stand for two processes."""
    ours, theirs = Contracts(1 << 20), Contracts(1 << 20)
    monkeypatch.setattr("infra.recording.recording.contracts", ours)
    begin()
    monkeypatch.setattr("infra.recording.recording.contracts", theirs)
    decide("contract-suspended", data={"reason": "Une raison."})
    monkeypatch.setattr("infra.recording.recording.contracts", ours)
    with pytest.raises(Refused):
        choose()
    assert decide("contract-resumed", data={"reason": "Une raison."}).recorded.version == 3
    monkeypatch.setattr("infra.recording.recording.contracts", theirs)
    assert choose().recorded.version == 4
    with pytest.raises(VersionConflict):
        choose(expected=3)


def test_a_contract_restored_from_a_backup_is_read_anew(owner):
    """The database fell behind what is in memory."""
    begin()
    choose()
    owner.execute("ALTER TABLE event DISABLE TRIGGER event_is_never_changed")
    owner.execute("DELETE FROM event WHERE version = 2")
    owner.execute("UPDATE event_log SET size = 1")
    assert choose("paquis", "Une autre").recorded.version == 2
    assert len(history_of("paquis")) == 2


def test_inside_a_transaction_it_joins_and_memory_learns_of_it_only_afterwards():
    begin()
    with transaction.atomic():
        choose()
        assert choose().recorded.version == 3
        with pytest.raises(Refused):
            decide("contract-resumed", data={"reason": "Une raison."})
        transaction.set_rollback(True)
    assert len(history_of("paquis")) == 1
    with transaction.atomic():
        assert choose().recorded.version == 2
    assert choose().recorded.version == 3


def test_a_refused_key_inside_a_transaction_leaves_the_transaction_usable():
    begin(idempotency_key="k")
    with transaction.atomic():
        assert choose().recorded.version == 2
        assert begin(idempotency_key="k").replayed
        assert choose().recorded.version == 3


def test_the_justification_of_a_departure_is_kept_in_the_vault(monkeypatch):
    begin()
    with pytest.raises(Refused) as error:
        choose(departures={"informed-after-the-launch": "Sans objet."})
    assert [finding.id for finding in error.value.findings] == ["departure-without-cause"]

    class MustBeJustified(Rule, basis="4", departable=True):
        fr = en = "."

        @classmethod
        def check(cls, contract, act):
            yield cls()

    monkeypatch.setattr(decision_type("strategic-option-validated"), "requires", (MustBeJustified,))
    monkeypatch.delitem(Rule.registry, MustBeJustified.id)
    with pytest.raises(Refused) as error:
        choose()
    assert error.value.findings == (MustBeJustified(),)
    outcome = choose(departures={"must-be-justified": "Voici pourquoi."})
    assert outcome.departed == (MustBeJustified(),)
    reference = outcome.recorded.act.departures["must-be-justified"]
    assert vault.texts([reference.text], reader=None) == {reference.text: "Voici pourquoi."}
    contracts.forget()
    assert history_of("paquis")[-1] == outcome.recorded


# --- A database in trouble ------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [Busy, StaleVersion])
@pytest.mark.parametrize("times", [1, 3, 100])
def test_what_the_database_gives_up_on_is_tried_again_for_a_while(monkeypatch, trouble, times):
    begin()
    left = [times]

    def troubled(write):
        if left[0]:
            left[0] -= 1
            raise trouble
        return append(write)

    monkeypatch.setattr("infra.recording.recording.append", troubled)
    monkeypatch.setattr("infra.recording.recording.time.sleep", lambda _: None)
    if times < ATTEMPTS:
        assert choose().recorded.version == 2
    else:
        with pytest.raises(TryAgain):
            choose()
        assert log_size() == 1
