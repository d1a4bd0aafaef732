"""Read models over decisions in memory, in a database of the test's own."""

import pytest

from projections.catalogue import PROJECTIONS
from projections.engine.runner import Runner
from projections.engine.sql import select
from projections.engine.table import TABLES
from tests.projections.story import Log


class Alarms(list):
    def __call__(self, stopped):
        self.append(stopped)


class Models:
    """A log, and a runner of every read model over it."""

    def __init__(self):
        self.log = Log()
        self.alarms = Alarms()

    def runner(self, **settings):
        return Runner(self.log, PROJECTIONS.values(), self.alarms, **settings)

    def told(self, history, **settings):
        """Take in these decisions, after those of before."""
        self.log.recorded += history
        done = self.runner(**settings).catch_up()
        assert done, [(each.name, each.position, each.error) for each in self.alarms]
        return self

    def documents(self):
        """Every stored document, byte for byte, with the version it is up to."""
        rows = select("SELECT view, contract, version, document::text FROM view_document")
        return {(view, contract): (version, doc) for view, contract, version, doc in rows}

    def rows(self):
        """Every row of every table that counts."""
        return {
            relation.name: sorted(
                select(f"SELECT contract, {', '.join(relation.columns)} FROM {relation.name}"),
                key=repr,
            )
            for table in TABLES.values()
            for relation in table.relations
        }

    def everything(self):
        return self.documents(), self.rows()


@pytest.fixture
def models(database):
    return Models()
