"""What the relay's tests record: a log that is written directly, and short stories with money.

Nothing is judged here: the relay passes on whatever was recorded.
"""

import threading
import time
from datetime import date
from decimal import Decimal

import orjson
import psycopg

from domain.chapters.actions import ActionProposed
from domain.chapters.corrections import DecisionAnnulled, DecisionRectified
from domain.chapters.funding import (
    ExpenditureRecorded,
    FundingRouteChosen,
    FundsCommitted,
    FundsReleased,
    RouteKind,
)
from domain.kernel.act import Act
from domain.kernel.payload import write
from domain.kernel.values import AccountId, TextRef

TEXT = TextRef(text="6f1b2c9e-4a77-4d5e-9a3b-0c1d2e3f4a5b", digest="ab" * 32)


class Log:
    """The event log, written as the recorder writes it; from any thread, one connection each."""

    def __init__(self, url):
        self.url = url
        self._versions = {}
        self._local = threading.local()
        self._opened = []

    def connect(self):
        return psycopg.connect(self.url, autocommit=True)

    def close(self):
        for connection in self._opened:
            connection.close()

    @property
    def connection(self):
        if getattr(self._local, "connection", None) is None:
            self._local.connection = self.connect()
            self._opened.append(self._local.connection)
        return self._local.connection

    def record(self, contract, *decisions, on=date(2026, 3, 1), body=None):
        """Append decisions to a contract that only this caller writes to; the last position."""
        events = []
        for decision in decisions:
            version = self._versions[contract] = self._versions.get(contract, 0) + 1
            taken_by = body or min(type(decision).taken_by)
            act = Act(taken_by, on, AccountId("coordinator"))
            events.append(
                {
                    "contract": contract,
                    "version": version,
                    "type": decision.slug,
                    "schema": decision.schema_version,
                    "body": taken_by.value,
                    "decided_on": on.isoformat(),
                    "recorded_by": "coordinator",
                    "payload": orjson.Fragment(write(decision, act)),
                }
            )
        (position,) = self.connection.execute(
            "SELECT last_position FROM append(%s::json, NULL, NULL)",
            [orjson.dumps(events).decode()],
        ).fetchone()
        return position

    def persist(self, contract, *decisions):
        """The same, whatever becomes of the server meanwhile."""
        while True:
            try:
                return self.record(contract, *decisions)
            except psycopg.OperationalError:
                self._find_out(contract)

    def _find_out(self, contract):
        """Whether the last append was committed, as soon as the server answers again."""
        query = "SELECT coalesce(max(version), 0) FROM event WHERE contract = %s"
        while True:
            self._local.connection = None
            try:
                self._versions[contract] = self.connection.execute(query, [contract]).fetchone()[0]
            except psycopg.OperationalError:
                time.sleep(0.1)
            else:
                return

    def size(self):
        return self.connection.execute("SELECT size FROM event_log").fetchone()[0]


def proposed(action, title="Bancs publics"):
    return ActionProposed(action=action, title=title, text=TEXT, needs=("n1",), theme="mobility")


def budgeted(action, amount="1000.00"):
    return FundingRouteChosen(
        action=action,
        route=RouteKind.SERVICE_BUDGET,
        service="parks",
        budget_line="314.00",
        year=2026,
        amount=Decimal(amount),
    )


def committed(action, amount, reference="C 1"):
    return FundsCommitted(action=action, amount=Decimal(amount), reference=reference)


def spent(action, amount, reference="F 1"):
    return ExpenditureRecorded(action=action, amount=Decimal(amount), reference=reference)


def released(action, amount, reference="L 1"):
    return FundsReleased(action=action, amount=Decimal(amount), reference=reference)


def annulled(position):
    return DecisionAnnulled(position=position, reason=TEXT)


def rectified(position, **fields):
    return DecisionRectified(position=position, reason=TEXT, fields=fields)


def fund(log, contract, rounds=1, *, correct=True):
    """A short story with money in it: 2 events, then 3 a round and one more with a correction."""
    log.record(contract, proposed("bancs"), budgeted("bancs", "1000000.00"))
    for number in range(rounds):
        log.record(contract, committed("bancs", "10.50", f"C {number}"))
        position = log.record(contract, spent("bancs", "4.25", f"F {number}"))
        if correct:
            log.record(contract, rectified(position, amount="5.00"))
        log.record(contract, released("bancs", "1.00", f"L {number}"))
