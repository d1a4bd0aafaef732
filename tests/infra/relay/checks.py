"""What must hold whatever happened: nothing is missing, nothing is there twice."""

from collections import defaultdict

import psycopg
from psycopg import sql

from infra.eventstore.store import recorded_of
from infra.relay.messages import Messages
from infra.relay.shapes import AMOUNTS
from infra.relay.source import LogSource
from infra.relay.topics import DECISIONS, FUNDING
from projections.tables.ledger import BALANCES, ledger
from tests.infra.relay.reading import SOURCE, read


def assert_complete(log, cluster):
    """Every event is in Kafka exactly once, in order per contract, in the bytes of its log."""
    source = LogSource(log.connect)
    messages = Messages(source, SOURCE)
    expected = defaultdict(lambda: defaultdict(list))
    for row in source.rows(0, 1_000_000):
        for message in messages.of(row):
            expected[message.topic][message.key].append((message.value, message.headers))
    source.close()
    for topic in (FUNDING, DECISIONS):
        found = defaultdict(list)
        for message in read(cluster, topic):
            found[message.key()].append((message.value(), message.headers()))
        assert found == expected[topic]


def rows(finance, query):
    with psycopg.connect(finance) as connection:
        return connection.execute(sql.SQL(query)).fetchall()


def assert_is_the_ledger(finance, log):
    """Balances in the finance database are those of the log, folded anew by the ledger."""
    histories = {}
    source = LogSource(log.connect)
    for row in source.rows(0, 1_000_000):
        histories.setdefault(row[1], []).append(recorded_of(row))
    source.close()
    expected = {
        (contract, f"{action}/{number}"): balance
        for contract, history in histories.items()
        for (action, number), balance in ledger.fold(history)[BALANCES].items()
    }
    columns = ", ".join(AMOUNTS)
    query = f"SELECT contract, account, {columns} FROM quartier.funding_balance"
    found = rows(finance, query)
    assert {row[:2] for row in found} == expected.keys()
    for contract, account, *sums in found:
        balance = expected[contract, account]
        for amount, value in zip(AMOUNTS, sums, strict=True):
            if amount != "enforceable":
                assert value == getattr(balance, amount)
