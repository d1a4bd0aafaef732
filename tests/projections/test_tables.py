"""What the tables answer: lists across contracts, page by page."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction

from domain.kernel.life_cycle import Standing
from projections.catalogue import TABLES
from projections.engine.keyset import BadCursor, Page, page, place_of
from projections.engine.sql import cursor, select
from projections.facts.phase import Phase
from projections.tables import calendar, register_queries, silences
from projections.tables.calendar import DayState, Occasion
from projections.tables.ledger import Account
from projections.tables.ledger_queries import Part, balances, entries
from projections.tables.silences import ClockState, Question
from projections.tables.words import folded
from tests.projections.story import TODAY, at, mixed, named, paquis, vieux_moulin

STORY = mixed(paquis(), vieux_moulin())


@pytest.fixture
def told(models):
    return models.told(STORY)


def day(written):
    return dt.date.fromisoformat(written)


def everything(ask, **asked):
    """Every page after the other."""
    cursor, results = None, []
    while True:
        found = ask(cursor=cursor, **asked)
        results += found.results
        cursor = found.next
        if cursor is None:
            return results


def contracts_of(found):
    return [each.contract for each in found.results]


# --- Register -----------------------------------------------------------------------------------


def test_the_register_has_a_row_for_each_contract(told):
    one, other = register_queries.contracts().results
    assert one.contract == "paquis"
    assert one.entry.title == "Contrat de quartier Pâquis"
    assert one.entry.standing is Standing.INTERRUPTED
    assert one.entry.phase is Phase.ENDED
    assert one.entry.launched_on == day("2014-04-16")
    assert one.entry.closure_due == day("2018-04-16")
    assert one.entry.ended_on == day("2017-05-31")
    assert one.entry.west == 6.1437
    assert one.entry.decisions == len(paquis())
    assert other.entry.actions == 8
    assert other.entry.actions_completed == 3
    assert other.entry.plenaries == 6


def test_the_register_is_filtered_by_standing_phase_and_box(told):
    assert contracts_of(register_queries.contracts(standing=Standing.CLOSED)) == ["vieux-moulin"]
    assert contracts_of(register_queries.contracts(phase=Phase.DIAGNOSIS)) == []
    assert contracts_of(register_queries.contracts(box=(6.14, 46.2, 6.16, 46.22))) == ["paquis"]
    assert contracts_of(register_queries.contracts(box=(6.0, 46.13, 6.01, 46.14))) == []


def test_a_point_is_in_the_perimeter_not_only_in_its_box(told):
    assert [each.contract for each in register_queries.at(6.1475, 46.213)] == ["paquis"]
    corner = (6.1438, 46.2183)
    inside_box = register_queries.contracts(box=(*corner, *corner))
    assert contracts_of(inside_box) == ["paquis"]
    assert register_queries.at(*corner) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Pâquis", ["paquis"]),
        ("paquis", ["paquis"]),
        ("PÂQUIS", ["paquis"]),
        ("rue de berne", ["paquis"]),
        ("Plantamour", ["paquis"]),
        ("contrats quartiers", ["paquis", "vieux-moulin"]),
        ("moul", ["vieux-moulin"]),
        ("place moul", ["vieux-moulin"]),
        ("sentier eclaires", ["vieux-moulin"]),
        ("jardin -paquis", ["vieux-moulin"]),
        ('"place du moulin"', ["vieux-moulin"]),
        ('"moulin du place"', []),
        ("introuvable", []),
        ("", []),
        ("&|!():*'\\", []),
    ],
)
def test_the_register_is_searched_in_french_with_or_without_accents(told, words, found):
    assert sorted(contracts_of(register_queries.search(words))) == found


def test_a_title_weighs_more_than_an_action(told):
    best = contracts_of(register_queries.search("place"))
    assert set(best) == {"paquis", "vieux-moulin"}
    assert contracts_of(register_queries.search("moulin or place"))[0] == "vieux-moulin"
    assert contracts_of(register_queries.search("place", standing=Standing.CLOSED)) == [
        "vieux-moulin"
    ]


def test_searching_goes_on_page_by_page(models):
    models.told(mixed(*[named(paquis()[:3], f"c{n}") for n in range(7)]))
    found = everything(register_queries.search, words="paquis", limit=2)
    assert [each.contract for each in found] == [f"c{n}" for n in range(7)]


def test_words_are_folded():
    assert folded("Aménagement du Préau, à l'œuvre") == "amenagement du preau a l oeuvre"
    assert (
        folded("Mont-Blanc – l’Ancien\u00adPort · ＳＴＲＡẞＥ") == "mont blanc l ancienport strasse"
    )


# --- Calendar -----------------------------------------------------------------------------------


def test_the_calendar_says_what_takes_place_when(told):
    found = everything(calendar.days, since=day("2014-01-01"), until=day("2015-12-31"), limit=2)
    plenaries = [each for each in found if each.occasion is Occasion.PLENARY]
    assert [(each.subject, each.day.day, each.day.state) for each in plenaries] == [
        ("conference-2014", day("2014-04-16"), DayState.DONE),
        ("conference-2015", day("2015-09-23"), DayState.DONE),
    ]
    assert [each.day.day for each in found] == sorted(each.day.day for each in found)


def test_what_is_due_is_expected_until_it_is_done_or_dropped(models):
    launched = at(paquis(), "plenary-held").position
    models.told(paquis()[:launched])
    due = {each.occasion: each.day for each in calendar.days().results}
    assert due[Occasion.DIAGNOSIS_DUE].day == day("2015-02-16")
    assert due[Occasion.NEXT_PLENARY_DUE].day == day("2015-04-16")
    assert due[Occasion.TERM].day == day("2018-04-16")
    assert due[Occasion.TERM].state is DayState.EXPECTED
    models.told(paquis()[launched:])
    due = {each.occasion: each.day for each in calendar.days().results}
    assert due[Occasion.DIAGNOSIS_DUE].state is DayState.DONE
    assert due[Occasion.TERM].state is DayState.DROPPED


def test_milestones_are_in_the_calendar(told):
    found = everything(calendar.days, occasion=Occasion.MILESTONE, contract="vieux-moulin")
    assert {each.subject for each in found} == {
        "cour-ouverte/portail",
        "place-du-moulin/fin-chantier",
    }
    assert all(each.day.state is DayState.DONE for each in found)


# --- Ledger -------------------------------------------------------------------------------------


def asked(query, **part):
    return lambda cursor, limit=100: query(Part(**part), cursor).page(limit)


def test_the_ledger_adds_up_in_sql_as_well(told):
    sums = select(
        "SELECT contract, action, route, account, sum(amount) FROM ("
        " SELECT contract, action, route, debit AS account, amount FROM ledger_entry"
        " UNION ALL SELECT contract, action, route, credit, -amount FROM ledger_entry"
        ") AS moved GROUP BY contract, action, route, account"
    )
    by_place = {row[:4]: row[4] for row in sums}
    for each in everything(asked(balances), limit=3):
        for account in Account:
            place = (each.contract, each.action, each.route, account.value)
            assert getattr(each.balance, account.value) == by_place.get(place, 0)
    assert sum(by_place.values()) == 0


def test_entries_are_read_in_order_and_page_by_page(told):
    found = everything(asked(entries), limit=4)
    places = [(each.position, each.seq) for each in found]
    assert places == sorted(set(places))
    assert everything(asked(entries, contract="vieux-moulin")) == [
        each for each in found if each.contract == "vieux-moulin"
    ]
    granted = next(each.entry for each in found if each.entry.action == "cour-ouverte")
    assert (granted.credit, granted.debit, granted.amount) == (
        Account.ORIGIN,
        Account.AVAILABLE,
        Decimal("45000.00"),
    )
    assert (granted.service, granted.year) == ("ecoles", 2020)


# --- Silences -----------------------------------------------------------------------------------


def test_every_submission_starts_a_clock_that_its_answer_stops(told):
    found = everything(silences.clocks, today=TODAY, running=False, limit=2)
    clocks = {(each.contract, each.question, each.subject): each for each in found}
    at_copil = clocks["paquis", Question.ROADMAP_AT_STEERING_COMMITTEE, "1"]
    assert at_copil.silence.since == day("2015-10-07")
    assert at_copil.silence.until == day("2015-12-02")
    assert at_copil.days == 56
    assert at_copil.silence.state is ClockState.ANSWERED
    relay = clocks["vieux-moulin", Question.HANDOVER_AT_RELAY, "jardin-partage"]
    assert relay.silence.since == day("2023-02-01")
    assert relay.silence.body.value == "relay"


def test_who_has_not_answered_yet_is_silent_up_to_today(models):
    submitted = at(paquis(), "roadmap-submitted")
    models.told(paquis()[: submitted.position])
    (silent,) = silences.clocks(day("2015-11-07")).results
    assert silent.days == 31
    assert silent.silence.state is ClockState.RUNNING
    assert silences.clocks(TODAY, contract="nobody").results == []


def test_nobody_is_silent_once_a_contract_has_ended(told):
    assert silences.clocks(TODAY).results == []


# --- Pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cursor", ["", "!", "é", "bnVsbA", "WzFd", "WyJhIiwxXQ", "W10", "x" * 99])
def test_a_cursor_of_another_list_is_refused(cursor):
    with pytest.raises(BadCursor):
        place_of(cursor, str)


def test_a_cursor_reads_back_the_place_it_names():
    first = page(["a", "b", "c"], 2, lambda row: (row, 7))
    assert first.results == ["a", "b"]
    assert place_of(first.next, str, int) == ("b", 7)
    assert page(["a"], 2, lambda row: (row,)) == Page(["a"], None)
    assert place_of(None, str) is None


# --- The database and the program say the same --------------------------------------------------


def test_every_relation_has_its_columns_in_the_database(models):
    for table in TABLES.values():
        for relation in table.relations:
            columns = select(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = %s AND is_generated = 'NEVER'",
                [relation.table],
            )
            expected = {"generation", "contract", *relation.columns}
            assert {name for (name,) in columns} == expected, relation


def test_every_query_goes_by_an_index(models):
    """Lists are read in the order of an index: no list is sorted, whatever its length."""
    many = mixed(*[named(paquis(), f"c{n}") for n in range(5)])
    models.told(many)
    with transaction.atomic():
        cursor().execute("SET LOCAL enable_seqscan = off")  # the test's tables are small
        rows = select(
            "EXPLAIN SELECT * FROM ledger_entry"
            " WHERE (position, seq) > (5, 0) ORDER BY position, seq LIMIT 10"
        )
    plan = "\n".join(row[0] for row in rows)
    assert "ledger_entry_place" in plan
    assert "Sort" not in plan
