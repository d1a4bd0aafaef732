"""The runner: in batches, guarded, never past what it cannot take in."""

import threading
import time
from dataclasses import replace

import psycopg
import pytest
from django.db import connection, transaction
from pydantic import ValidationError

from projections.catalogue import PROJECTIONS, VIEWS
from projections.engine.positions import Overtaken, Position, move, positions, wait_for
from projections.engine.runner import Runner
from projections.engine.sql import select
from projections.engine.storage import answer, current
from projections.engine.view import fold
from projections.tables.ledger import ENTRIES
from projections.views.overview import overview
from tests.projections.story import TODAY, Log, at, mixed, named, paquis, vieux_moulin

PLENARY = "plenary-held"


def reached():
    return {name: position.position for name, position in positions().items()}


def folded(log, contract):
    history = log.history(contract)
    return {name: view.dump(fold(view, history)).decode() for name, view in VIEWS.items()}


def agrees(models):
    """What is stored is what a fold of the whole history gives, for every view and contract."""
    documents = models.documents()
    contracts = {recorded.contract for recorded in models.log.recorded}
    assert documents.keys() == {(name, each) for name in VIEWS for each in contracts}
    for contract in contracts:
        history = models.log.history(contract)
        for name, expected in folded(models.log, contract).items():
            assert documents[name, contract] == (VIEWS[name].changed_at(history), expected)


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_stored_documents_are_folded_ones_whatever_the_batch(models, batch):
    models.told(mixed(paquis(), vieux_moulin()), batch=batch)
    assert set(reached().values()) == {303}
    agrees(models)


def test_rows_do_not_depend_on_the_batch(models, database):
    models.told(mixed(paquis(), vieux_moulin()), batch=500)
    at_once = models.rows()
    with connection.cursor() as cursor:
        for table in ("projection_position", "view_document_rows"):
            cursor.execute(f"DELETE FROM {table}")
    one_by_one = models.runner(batch=1)
    assert one_by_one.catch_up()
    assert models.rows() == at_once


def test_a_correction_folds_its_contract_anew(models):
    story = mixed(vieux_moulin(), named(vieux_moulin(), "other"))
    corrected = at(story, "decision-rectified")
    models.told(story[: corrected.position - 1])
    agrees(models)
    before = models.rows()["ledger_entry"]
    models.told(story[corrected.position - 1 : corrected.position])
    agrees(models)
    after = models.rows()["ledger_entry"]
    changed = [row for row in after if row not in before]
    assert {row[0] for row in changed} == {"vieux-moulin"}
    assert "25400.00" in {str(row[11]) for row in changed}


def test_everything_is_taken_in_even_what_nobody_handles(models):
    """A position moves on for every event, so that waiting for one always ends."""
    models.told(paquis())
    assert wait_for(len(paquis()), list(PROJECTIONS), timeout=0)
    assert not wait_for(len(paquis()) + 1, list(PROJECTIONS), timeout=0.05)


def test_waiting_ends_when_the_position_is_reached(models):
    models.log.recorded += paquis()
    models.runner().step()
    models.log.recorded += named(paquis(), "later")[:0]
    done = []

    def wait():
        try:
            done.append(wait_for(len(paquis()), list(PROJECTIONS), timeout=10))
        finally:
            connection.close()

    waiting = threading.Thread(target=wait)
    waiting.start()
    models.runner().catch_up()
    waiting.join(10)
    assert done == [True]


# --- Guard --------------------------------------------------------------------------------------


def test_a_position_moves_only_from_where_it_was(models):
    models.told(paquis()[:10])
    here = positions()["overview"]
    with transaction.atomic():
        move([(here, 11)])
    with pytest.raises(Overtaken), transaction.atomic():
        move([(here, 12)])
    assert reached()["overview"] == 11


def test_a_generation_that_was_replaced_cannot_be_moved(models):
    models.told(paquis()[:10])
    here = positions()["overview"]
    replaced = Position("overview", here.version, here.generation + 1, here.position, None, None)
    with pytest.raises(Overtaken), transaction.atomic():
        move([(replaced, 11)])


def test_runners_side_by_side_double_nothing(models):
    models.log.recorded += mixed(*[named(paquis(), f"c{n}") for n in range(6)])
    failed = []

    def run():
        try:
            runner = models.runner(batch=20)
            deadline = time.monotonic() + 60
            while not runner.catch_up() and time.monotonic() < deadline:
                time.sleep(0.01)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    agrees(models)
    (count,) = select("SELECT count(*) FROM ledger_entry")[0]
    assert count == 6 * len(PROJECTIONS["ledger"].fold(paquis())[ENTRIES])


def test_a_transaction_that_fails_leaves_nothing(models, monkeypatch):
    models.log.recorded += paquis()
    monkeypatch.setattr("projections.engine.runner.move", lambda moves: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        models.runner().step()
    assert set(reached().values()) == {0}
    assert models.documents() == {}


# --- Poison -------------------------------------------------------------------------------------


@pytest.fixture
def poison(monkeypatch):
    """Make the overview fail at the first plenary."""

    def fail(view, decision, recorded):
        raise ZeroDivisionError("poison")

    kind = type(at(paquis(), PLENARY).decision)
    monkeypatch.setitem(overview.handlers, kind, (fail,))


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_a_poison_event_stops_that_read_model_alone_before_it(models, poison, batch):
    models.log.recorded += paquis()
    assert not models.runner(batch=batch).catch_up()
    where = at(paquis(), PLENARY).position
    assert reached()["overview"] == where - 1
    assert {n for n, at_ in reached().items() if at_ == len(paquis())} == set(reached()) - {
        "overview"
    }
    (alarm,) = models.alarms
    assert (alarm.name, alarm.position) == ("overview", where)
    assert isinstance(alarm.error, ZeroDivisionError)
    stopped = positions()["overview"]
    assert stopped.stopped_at == where
    assert stopped.error == "ZeroDivisionError: poison"
    version, document = models.documents()["overview", "paquis"]
    assert version == overview.changed_at(paquis()[: where - 1])
    assert document == overview.dump(fold(overview, paquis()[: where - 1])).decode()


def test_waiting_for_what_is_stopped_ends_at_once(models, poison):
    models.log.recorded += paquis()
    models.runner().catch_up()
    before = time.monotonic()
    assert not wait_for(len(paquis()), ["overview"], timeout=30)
    assert time.monotonic() - before < 5
    assert wait_for(len(paquis()), ["roadmap"], timeout=0)


def test_a_stopped_read_model_alarms_once_and_goes_on_when_it_can(models, poison, monkeypatch):
    models.log.recorded += paquis()
    models.runner().catch_up()
    models.runner().catch_up()
    assert len(models.alarms) == 1
    overview.handlers.clear()  # the handlers as they are declared
    assert models.runner().catch_up()
    assert positions()["overview"].stopped_at is None
    agrees(models)


def test_an_event_that_cannot_be_read_stops_everybody_before_it(models):
    models.log.recorded += paquis()
    models.log.broken = 50
    assert not models.runner().catch_up()
    assert set(reached().values()) == {49}
    assert {alarm.name for alarm in models.alarms} == set(PROJECTIONS)
    assert {alarm.position for alarm in models.alarms} == {50}
    models.log.broken = None
    assert models.runner().catch_up()
    agrees(models)


def test_what_the_database_refuses_stops_that_read_model_alone(models):
    """A row that no column takes: the others go on, and the event is found."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute("ALTER TABLE silence_rows ADD CHECK (question <> 'roadmap_at_council')")
        cursor.execute("SET ROLE quartier_app")
    models.log.recorded += paquis()
    assert not models.runner().catch_up()
    where = at(paquis(), "roadmap-endorsed").position
    assert reached()["silences"] == where - 1
    assert {at_ for name, at_ in reached().items() if name != "silences"} == {len(paquis())}
    (alarm,) = models.alarms
    assert (alarm.name, alarm.position) == ("silences", where)
    assert isinstance(alarm.error, psycopg.errors.CheckViolation)


def test_a_name_that_is_refused_by_now_is_taken_in(models):
    """It was recorded when it was not refused yet: what is stored is not examined again."""
    first, *others = paquis()[:20]
    title = "Contrat\u200b de quartier"  # with a character that shows nothing
    with pytest.raises(ValidationError):
        type(first.decision).model_validate(first.decision.model_dump() | {"title": title})
    earlier = first.decision.model_copy(update={"title": title})
    models.told([replace(first, decision=earlier), *others], batch=1)
    agrees(models)


def test_a_document_that_nothing_changes_is_not_written_again(models):
    """Its version is that of the last decision which did change it, and it is current."""
    story = paquis()
    quiet = next(
        (view, last)
        for last in range(len(story), 1, -1)
        for view in VIEWS.values()
        if view.changed_at(story[last - 1 : last]) is None
    )
    view, last = quiet
    models.told(story[: last - 1])
    before = select("SELECT xmin::text FROM view_document_rows WHERE view = %s", [view.name])
    models.told(story[last - 1 : last])
    assert before == select(
        "SELECT xmin::text FROM view_document_rows WHERE view = %s", [view.name]
    )

    class Unread(list):
        """A history that nobody needs to look into."""

        def __iter__(self):
            raise AssertionError("the document is current")

    read = answer(view, "paquis", Unread(story[:last]), TODAY, last=last)
    assert read.version == last
    assert read.json == view.answer(fold(view, story[:last]), TODAY)


# --- Reading today's view -----------------------------------------------------------------------


@pytest.mark.parametrize("stored", [0, 1, 60, 118])
def test_nobody_reads_a_stale_view(models, stored):
    if stored:
        models.told(paquis()[:stored])
    for view in VIEWS.values():
        assert current(view, "paquis", paquis()) == fold(view, paquis())
        read = answer(view, "paquis", paquis(), TODAY, last=len(paquis()))
        assert read.json == view.answer(fold(view, paquis()), TODAY)
        assert read.version == len(paquis())


def test_a_correction_that_was_missed_is_read_as_well(models):
    corrected = at(vieux_moulin(), "decision-rectified").position
    models.told(vieux_moulin()[: corrected - 1])
    for view in VIEWS.values():
        assert current(view, "vieux-moulin", vieux_moulin()) == fold(view, vieux_moulin())


def test_a_document_of_another_version_of_the_program_is_not_read(models, monkeypatch):
    models.told(paquis())
    monkeypatch.setattr(overview, "version", overview.version + 1)
    assert current(overview, "paquis", paquis()[:5]) == fold(overview, paquis()[:5])


def test_an_empty_log_is_caught_up_with(models):
    assert Runner(Log(), PROJECTIONS.values(), models.alarms).catch_up()
