"""The same decisions through `eventsourcing` as it comes: its aggregate, cache and recorder.

The rules and the state are ours, so that what differs is how it is stored. The library's
copying of cached aggregates is turned off, in its favour.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from domain.kernel.act import Act, Body
from domain.kernel.contract import Contract
from domain.kernel.decision import Recorded, decision_type, judge
from domain.kernel.payload import read, write
from domain.kernel.values import AccountId, Audience, TextRef
from tests.bench.workload import DAY, OPENING


class StockKeeper:
    """Gives references; the stock way keeps the text nowhere, in its favour."""

    def keep(self, text: str, audience: Audience) -> TextRef:
        return TextRef(text=str(uuid.uuid4()), digest="0" * 64)


class StockContract(Aggregate):
    """A contract as the library's aggregate: one event that holds our payload."""

    class Decided(Aggregate.Event):
        """A decision, as the library stores it."""

        slug: str
        body: str
        decided_on: str
        payload: str

    @event("Begun")
    def __init__(self) -> None:
        self.state = Contract("stock")

    @event(Decided)
    def decide(self, slug: str, body: str, decided_on: str, payload: str) -> None:
        content = read(slug, 1, payload)
        act = Act(Body(body), date.fromisoformat(decided_on), AccountId("bench"))
        self.state.evolve(Recorded(0, "stock", self.version, self.modified_on, act, content.data))


@dataclass
class Stock:
    """Records through the library's PostgreSQL recorder."""

    application: Application[Any]

    @classmethod
    def at(cls, url: str, writers: int) -> Stock:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        return cls(
            Application(
                env={
                    "PERSISTENCE_MODULE": "eventsourcing.postgres",
                    "POSTGRES_DBNAME": parts.path.lstrip("/"),
                    "POSTGRES_HOST": query.get("host", [parts.hostname or ""])[0],
                    "POSTGRES_PORT": str(parts.port or 5432),
                    "POSTGRES_USER": parts.username or "postgres",
                    "POSTGRES_PASSWORD": parts.password or "-",
                    "POSTGRES_POOL_SIZE": str(writers),
                    "POSTGRES_MAX_OVERFLOW": str(writers),
                    "AGGREGATE_CACHE_MAXSIZE": "1000",
                    "DEEPCOPY_FROM_AGGREGATE_CACHE": "n",
                }
            )
        )

    def begin(self) -> Any:
        contract = StockContract()
        self.application.save(contract)
        for slug, data, body in OPENING:
            self.record(contract.id, slug, data, body)
        return contract.id

    def record(self, contract_id: Any, slug: str, data: bytes, body: Body) -> None:
        contract: Any = self.application.repository.get(contract_id)
        decision = decision_type(slug).parse(data, keeper=StockKeeper(), contract=contract.state)
        act = Act(body, DAY, AccountId("bench"), today=date.max)
        # No reference data is handed in, so themes are unknown to it; nothing else is refused.
        refusals = judge(decision, contract.state, act).refusals
        assert {found.id for found in refusals} <= {"unknown-theme"}, refusals
        contract.decide(slug, body.value, DAY.isoformat(), write(decision, act).decode())
        self.application.save(contract)

    def close(self) -> None:
        self.application.close()
