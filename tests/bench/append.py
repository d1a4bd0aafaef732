"""How fast decisions are recorded: beside the library's own recorder, and the bare SQL call."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
import psycopg

from infra.accounts import Account, Role
from infra.eventstore.append import STATEMENT
from infra.recording.recording import initiate, record
from tests.bench.measure import Ratio, interleaved, rate
from tests.bench.stock import Stock
from tests.bench.workload import DAY, OPENING, activity, decisions

if TYPE_CHECKING:
    from tests.bench.place import Place

WRITERS = 16
SECONDS = 4.0

ACCOUNT = Account("bench", Role.COORDINATOR)  # type: ignore[arg-type]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def begin(name: str) -> str:
    """A contract whose promotion has started."""
    (_, data, body), *rest = OPENING
    initiate(data, contract_id=name, body=body, decided_on=DAY, account=ACCOUNT, now=now())
    for slug, data, body in rest:
        record(name, slug, data, body=body, decided_on=DAY, account=ACCOUNT, now=now())
    return name


def record_one(contract: str, made: Any) -> None:
    slug, data, body = made()
    record(contract, slug, data, body=body, decided_on=DAY, account=ACCOUNT, now=now())


_named = itertools.count(1)


def fresh(writers: int) -> list[str]:
    return [begin(f"append-{next(_named)}") for _ in range(writers)]


def beside_stock(place: Place) -> Iterator[Ratio]:
    """16 writers, each on its own contract, three decisions in four without a text."""

    def ours() -> float:
        contracts, kinds = fresh(WRITERS), decisions()
        return rate(
            lambda writer: record_one(contracts[writer], next(kinds)),
            writers=WRITERS,
            seconds=SECONDS,
        )

    def theirs() -> float:
        stock = Stock.at(place.database("stock"), WRITERS)
        contracts, kinds = [stock.begin() for _ in range(WRITERS)], decisions()
        try:
            return rate(
                lambda writer: stock.record(contracts[writer], *next(kinds)()),
                writers=WRITERS,
                seconds=SECONDS,
            )
        finally:
            stock.close()

    yield Ratio(
        f"append, {WRITERS} writers, beside eventsourcing's recorder",
        *interleaved(ours, theirs),
        unit="decisions/s",
        mark=5.0,
    )


def beside_bare_function(place: Place) -> Iterator[Ratio]:
    """One writer, beside the SQL function called with ready-made arguments."""

    def ours() -> float:
        (contract,) = fresh(1)
        return rate(lambda _: record_one(contract, activity), writers=1, seconds=SECONDS)

    def theirs() -> float:
        with psycopg.connect(place.url, autocommit=True) as connection:
            cursor = psycopg.Cursor(connection)
            contract = f"bare-{next(_named)}"
            versions = itertools.count(1)
            payload = orjson.Fragment(b'{"data":{"audience":"Habitant-e-s","means":"stall"}}')

            def call(_: int) -> None:
                event = {
                    "contract": contract,
                    "version": next(versions),
                    "type": "promotion-activity-held",
                    "schema": 1,
                    "body": "community_unit",
                    "decided_on": DAY,
                    "recorded_by": "bench",
                    "payload": payload,
                }
                cursor.execute(
                    STATEMENT,
                    (orjson.dumps([event]).decode(), None, None),
                    prepare=True,
                ).fetchone()

            return rate(call, writers=1, seconds=SECONDS)

    yield Ratio(
        "append, 1 writer, beside the bare SQL function",
        *interleaved(ours, theirs),
        unit="decisions/s",
        mark=0.5,
    )
