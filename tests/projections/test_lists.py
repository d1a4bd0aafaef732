"""Lists of many contracts: what is filtered, searched and paged is what one would pick by hand."""

import datetime as dt
import itertools
import random

import pytest
from shapely import intersects_xy
from shapely.geometry import shape

from domain.kernel.life_cycle import Standing
from infra.eventstore.source import StoredEvents
from projections.catalogue import TABLES
from projections.engine.rebuild import rebuild
from projections.engine.sql import select
from projections.facts.phase import Phase
from projections.tables import calendar, register_queries, silences
from projections.tables.calendar import Occasion
from projections.tables.ledger_queries import Part, balances, entries
from tests.bench.many import EAST, NORTH, SOUTH, WEST, fill

TODAY = dt.date(2026, 11, 22)
MANY = 90


@pytest.fixture
def filled(database):
    fill(MANY, days=2)
    rebuild(StoredEvents(), TABLES.values())


def everything(ask, limit, **asked):
    """Every page after the other."""
    cursor, results = None, []
    while True:
        found = ask(cursor=cursor, limit=limit, **asked)
        assert len(found.results) <= limit
        results += found.results
        cursor = found.next
        if cursor is None:
            return results


def boxes(chance, count):
    for _ in range(count):
        west, south = chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)
        yield (west, south, west + chance.uniform(0, 0.03), south + chance.uniform(0, 0.03))


@pytest.mark.parametrize("few", [0, 1000])
def test_contracts_are_filtered(filled, monkeypatch, few):
    """Whether a box is looked up in its index, or met on the way."""
    monkeypatch.setattr(register_queries, "FEW", few)
    chance = random.Random(few)  # noqa: S311 - boxes
    every = everything(register_queries.contracts, 1000)
    assert len(every) == MANY
    assert [each.contract for each in every] == sorted(each.contract for each in every)
    filters = itertools.product(
        [None, *Standing], [None, *Phase], [None, *boxes(chance, 4), (5.0, 45.0, 7.0, 47.0)]
    )
    for standing, phase, box in filters:

        def is_asked(of, standing=standing, phase=phase, box=box):
            entry = of.entry
            return (
                standing in {None, entry.standing}
                and phase in {None, entry.phase}
                and (box is None or (entry.west is not None and meets(entry, box)))
            )

        asked = {"standing": standing, "phase": phase, "box": box}
        found = everything(register_queries.contracts, 7, **asked)
        assert found == list(filter(is_asked, every))
        spoken_of = everything(register_queries.search, 9, words="contrat", **asked)
        assert sorted(each.contract for each in spoken_of) == [each.contract for each in found]


def meets(entry, box):
    west, south, east, north = box
    return (
        entry.west <= east and entry.east >= west and entry.south <= north and entry.north >= south
    )


def test_a_corner_that_touches_a_box_meets_it(filled):
    for each in everything(register_queries.contracts, 1000):
        if (entry := each.entry).west is not None:
            box = (entry.east, entry.north, entry.east + 0.1, entry.north + 0.1)
            assert each in everything(register_queries.contracts, 1000, box=box)
            beyond = (entry.east + 1e-9, entry.north, entry.east + 0.1, entry.north + 0.1)
            assert each not in everything(register_queries.contracts, 1000, box=beyond)


def test_a_point_is_in_these_perimeters(filled):
    perimeters = [
        (contract, shape(geometry))
        for contract, geometry in select("SELECT contract, geometry FROM register_perimeter")
    ]
    points = [each.exterior.coords[0] for _, each in perimeters[:5]]
    chance = random.Random(2)  # noqa: S311 - points
    points += [(box[0], box[1]) for box in boxes(chance, 40)]
    for point in points:
        held = [contract for contract, each in perimeters if intersects_xy(each, *point)]
        assert [each.contract for each in register_queries.at(*point)] == sorted(held)


@pytest.mark.parametrize("ranked", [0, 10, 1000])
def test_the_same_is_found_whether_it_is_ranked_or_not(filled, monkeypatch, ranked):
    monkeypatch.setattr(register_queries, "RANKED", ranked)
    search = register_queries.search
    for words in ("contrat", "pl", "paquis", "fontaine or jonc", "bancs -ecole", "no-such-word"):
        found = everything(search, 4, words=words)
        with monkeypatch.context() as at_once:
            at_once.setattr(register_queries, "RANKED", 1000)
            best = everything(search, 1000, words=words)
        if len(best) <= ranked:
            assert found == best
        else:
            assert found == sorted(best, key=lambda each: each.contract)


def test_days_are_filtered(filled):
    every = everything(calendar.days, 1000)
    assert len(every) > MANY
    in_order = sorted(
        every, key=lambda of: (of.day.day, of.contract, of.occasion.value, of.subject)
    )
    assert every == in_order
    contract = every[len(every) // 2].contract
    since, until = (every[len(every) * part // 3].day.day for part in (1, 2))
    for first, last, one, occasion in itertools.product(
        [dt.date.min, since], [dt.date.max, until, since], [None, contract], [None, *Occasion]
    ):
        asked = {"since": first, "until": last, "contract": one, "occasion": occasion}
        assert everything(calendar.days, 5, **asked) == [
            each
            for each in every
            if first <= each.day.day <= last
            and one in {None, each.contract}
            and occasion in {None, each.occasion}
        ]


def test_silences_are_filtered(filled):
    def ask(**asked):
        return silences.clocks(TODAY, **asked)

    every = everything(ask, 1000, running=False)
    running = everything(ask, 3)
    assert 0 < len(running) < len(every)
    assert running == [each for each in every if each.silence.until is None]
    contract = running[0].contract
    for which in (True, False):
        assert everything(ask, 2, running=which, contract=contract) == [
            each for each in (running if which else every) if each.contract == contract
        ]


def test_balances_of_a_year_are_those_that_moved_in_it(filled):
    def ask(question, part):
        return everything(lambda cursor, limit: question(part, cursor).page(limit), 3)

    every, moved = ask(balances, Part()), list(entries(Part()))
    years = {each.entry.year for each in moved}
    services = {each.balance.service for each in every}
    for year, service in itertools.product([*years, 1950], [None, *services]):
        in_year = {
            (each.contract, each.entry.action, each.entry.route)
            for each in moved
            if each.entry.year == year
        }
        assert ask(balances, Part(year=year, service=service)) == [
            each
            for each in every
            if (each.contract, each.action, each.route) in in_year
            and service in {None, each.balance.service}
        ]
