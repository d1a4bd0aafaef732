"""Rebuilding: from the events alone, byte for byte the same, and nobody sees it happen."""

import threading
import time

import psycopg
import pytest
from django.db import Error, connection, transaction

from projections.catalogue import PROJECTIONS, TABLES, VIEWS
from projections.engine import rebuild as module
from projections.engine.positions import positions
from projections.engine.rebuild import LOCK, RebuildRunning, rebuild
from projections.engine.sql import cursor, select
from projections.views.overview import overview
from tests.projections.story import at, mixed, named, paquis, vieux_moulin

STORY = mixed(paquis(), vieux_moulin(), named(vieux_moulin(), "other"))

STORED = [
    "projection_position",
    "view_document_rows",
    *(relation.table for table in TABLES.values() for relation in table.relations),
]


def delete_everything():
    for table in STORED:
        cursor().execute(f"DELETE FROM {table}")


def count(table):
    return select(f"SELECT count(*) FROM {table}")[0][0]


def generations():
    return {row[0] for row in select("SELECT DISTINCT generation FROM view_document_rows")}


def test_after_deleting_everything_a_rebuild_gives_the_same_bytes(models):
    before = models.told(STORY).everything()
    delete_everything()
    rebuilt = rebuild(models.log, PROJECTIONS.values())
    assert (rebuilt.events, rebuilt.contracts, rebuilt.position) == (len(STORY), 3, len(STORY))
    assert models.everything() == before


def test_a_rebuild_beside_what_is_there_gives_the_same_and_clears_up(models, monkeypatch):
    monkeypatch.setattr(module, "PAGES", 2)  # a step of the clearing
    before = models.told(STORY).everything()
    rebuild(models.log, PROJECTIONS.values())
    assert models.everything() == before
    assert len(generations()) == 1
    for table in TABLES.values():
        for relation in table.relations:
            assert count(relation.table) == count(relation.name)


@pytest.mark.parametrize("name", ["funding", "ledger", "silences"])
def test_one_read_model_is_rebuilt_alone(models, name):
    before = models.told(STORY).everything()
    old = {each.name: each.generation for each in positions().values()}
    rebuild(models.log, [PROJECTIONS[name]])
    assert models.everything() == before
    new = {each.name: each.generation for each in positions().values()}
    assert {each for each in new if new[each] != old[each]} == {name}


def test_rows_left_without_their_position_are_not_taken_for_ours(models):
    """Generations are numbered once and for all: nothing old is mixed into what is begun anew."""
    before = models.told(STORY).everything()
    cursor().execute("DELETE FROM projection_position")
    models.runner().catch_up()
    assert models.everything() == before


def test_what_is_recorded_meanwhile_is_taken_in(models):
    class Growing:
        """A log to which more is added while it is read."""

        def __init__(self, log):
            self.log = log
            self.history = log.history
            self.after = log.after

        def end(self):
            return 100

        def by_contract(self, until):
            assert until == 100
            return self.log.by_contract(until)

    before = models.told(STORY).everything()
    rebuild(Growing(models.log), PROJECTIONS.values())
    assert models.everything() == before
    assert {each.position for each in positions().values()} == {len(STORY)}


def test_readers_never_see_less_than_before(models):
    """Documents and rows are all there at every moment, and positions never go back."""
    models.told(STORY)
    seen, over = [], threading.Event()

    def read():
        try:
            while not over.is_set():
                seen.append(
                    select(
                        "SELECT (SELECT count(*) FROM view_document),"
                        " (SELECT count(*) FROM calendar_day),"
                        " (SELECT count(*) FROM ledger_entry),"
                        " (SELECT count(*) FROM register),"
                        " (SELECT min(position) FROM projection_position)"
                    )[0]
                )
        finally:
            connection.close()

    reading = threading.Thread(target=read)
    reading.start()
    for _ in range(3):
        rebuild(models.log, PROJECTIONS.values())
    over.set()
    reading.join()
    assert len(seen) > 3
    assert len(set(seen)) == 1, set(seen)


def test_the_runner_goes_on_during_a_rebuild(models):
    models.told(STORY[:200])
    models.log.recorded = list(STORY)
    over = threading.Event()
    failed = []

    def run():
        try:
            runner = models.runner(batch=5)
            while not over.is_set():
                runner.step()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    running = threading.Thread(target=run)
    running.start()
    for _ in range(3):
        rebuild(models.log, PROJECTIONS.values())
    over.set()
    running.join()
    assert not failed
    models.runner().catch_up()
    after = models.everything()
    delete_everything()
    models.runner().catch_up()
    assert models.everything() == after


def test_a_read_model_that_is_poisoned_stays_as_it_was(models, monkeypatch):
    before = models.told(STORY).everything()
    kind = type(at(STORY, "diagnosis-shared").decision)
    monkeypatch.setitem(overview.handlers, kind, (lambda *_: 1 / 0,))
    old = positions()
    rebuilt = rebuild(models.log, PROJECTIONS.values())
    (poison,) = rebuilt.poisoned
    assert poison.projection is overview
    assert poison.recorded.decision.slug == "diagnosis-shared"
    assert isinstance(poison.__cause__, ZeroDivisionError)
    assert positions()["overview"] == old["overview"]
    assert positions()["roadmap"].generation != old["roadmap"].generation
    assert models.everything() == before


def test_a_rebuild_cut_short_leaves_nothing_behind(models, monkeypatch):
    before = models.told(STORY).everything()
    counted = generations()
    with monkeypatch.context() as patched:
        patched.setattr(module._Making, "put_in_place", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rebuild(models.log, PROJECTIONS.values())
    assert models.everything() == before
    assert len(generations() - counted) == 1, "what was made is still there, and nobody reads it"
    rebuild(models.log, PROJECTIONS.values())
    assert len(generations()) == 1
    assert models.everything() == before


def test_only_one_rebuild_runs_at_a_time(models, postgres):
    models.told(STORY[:10])
    held = threading.Event()
    done = threading.Event()

    def hold():
        try:
            cursor().execute("SELECT pg_advisory_lock(%s)", [LOCK])
            held.set()
            done.wait(10)
        finally:
            connection.close()

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait(10)
    with pytest.raises(RebuildRunning):
        rebuild(models.log, PROJECTIONS.values())
    done.set()
    holding.join()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            rebuild(models.log, PROJECTIONS.values())
        except RebuildRunning:
            continue
        break
    else:
        pytest.fail("the lock was not given back")


def test_a_rebuild_that_is_suspended_is_followed_by_another_and_does_no_harm(models, monkeypatch):
    """As on a machine that is gone; then it wakes up, and has lost its lock."""
    monkeypatch.setattr(module, "SILENT_SECONDS", 1)
    before = models.told(STORY).everything()
    suspended, awake, raised = threading.Event(), threading.Event(), []

    def sleep(*_):
        suspended.set()
        awake.wait(60)

    def first():
        try:
            rebuild(models.log, PROJECTIONS.values(), sleep)
        except (RebuildRunning, psycopg.Error, Error) as error:
            raised.append(error)
        finally:
            connection.close()

    sleeping = threading.Thread(target=first)
    sleeping.start()
    assert suspended.wait(30)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                rebuild(models.log, PROJECTIONS.values())
            except RebuildRunning:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            else:
                break
        counted = generations()
    finally:
        awake.set()
        sleeping.join(60)
    assert raised
    assert positions()["roadmap"].generation in counted, "what woke up put nothing in place"
    assert models.everything() == before


def test_a_newer_version_of_a_read_model_is_rebuilt_and_then_followed(models, monkeypatch):
    models.told(STORY[:200])
    monkeypatch.setattr(VIEWS["roadmap"], "version", 9)
    runner = models.runner()
    models.log.recorded = list(STORY)
    assert not runner.catch_up()
    assert positions()["roadmap"].position == 200
    rebuild(models.log, [VIEWS["roadmap"]])
    assert runner.catch_up()
    assert positions()["roadmap"].version == 9


def test_progress_is_told(models):
    models.log.recorded += STORY
    told = []
    rebuild(models.log, PROJECTIONS.values(), lambda done, all_: told.append((done, all_)))
    assert [all_ for _, all_ in told] == [len(STORY)] * 3
    assert told[-1] == (len(STORY), len(STORY))


def test_a_rebuild_needs_no_rights_but_those_of_the_application(models):
    models.told(STORY[:10])
    with transaction.atomic():
        (role,) = select("SELECT current_user")[0]
    assert role == "quartier_app"
    rebuild(models.log, PROJECTIONS.values())


def test_texts_with_backslashes_survive_the_copy(models):
    odd = 'Rue "\\des\\ Pâquis\\'
    story = list(paquis()[:2])
    perimeter = story[1].decision.model_copy(update={"streets": (odd,)})
    story[1] = story[1].__class__(
        story[1].position,
        story[1].contract,
        story[1].version,
        story[1].recorded_at,
        story[1].act,
        perimeter,
    )
    before = models.told(story).everything()
    delete_everything()
    rebuild(models.log, PROJECTIONS.values())
    assert models.everything() == before
    assert overview.load(models.documents()["overview", "paquis"][1]).streets == (odd,)
