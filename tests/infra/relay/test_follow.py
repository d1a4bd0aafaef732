"""The finance database holds each funding event once, and a day of it can be proved."""

import contextlib
import datetime as dt
import json
import secrets
import threading
import time
from dataclasses import replace
from typing import NamedTuple

import orjson
import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from infra.broker.embedded_broker import EmbeddedBroker
from infra.broker.kafka_client import Cluster
from infra.cli.funding import funding_app
from infra.cli.terminal import Failure
from infra.finance.digest import GENEVA, Day, landed_day, recorded_day
from infra.finance.follow import EventsExpired, Follower, NoTopic, SchemaUnknown
from infra.finance.landing import EventsDiffer, FinanceDatabase, GapFound, Landed, Overtaken
from infra.finance.reconcile import compare
from infra.relay import topics
from infra.relay.shapes import AMOUNTS
from infra.relay.topics import FUNDING
from tests.infra.relay.checks import assert_is_the_ledger, rows
from tests.infra.relay.reading import relaying, wait_until
from tests.infra.relay.story import annulled, committed, fund, released, spent


class Ended(NamedTuple):
    """How a command ended: its exit status, what it answered, what it said beside."""

    status: int
    answer: str
    beside: str


def funding(*arguments):
    """Run `quartier funding …` in this process."""
    result = CliRunner().invoke(funding_app, [*map(str, arguments)])
    if isinstance(result.exception, Failure):
        return Ended(result.exception.status, result.stdout, str(result.exception))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def relayed(log, cluster):
    """Two contracts' stories, published."""
    for contract in ("paquis", "grottes"):
        fund(log, contract, 2)
    publish(log, cluster)


def publish(log, cluster):
    with relaying(log, cluster) as running:
        wait_until(lambda: running.has_come_to(log.size()))
    assert running.error is None


def follow(cluster, finance, **how):
    follower = Follower(cluster, lambda: psycopg.connect(finance))
    follower.run(threading.Event(), once=True, **how)
    return follower.landed


def events(finance):
    return rows(finance, "SELECT contract, number FROM quartier.funding_event ORDER BY 1, 2")


def today():
    return dt.datetime.now(GENEVA).date()


def reconciled(finance, date=None):
    with psycopg.connect(finance) as connection:
        return compare(recorded_day(date or today()), landed_day(connection, date or today()))


@pytest.mark.kafka
def test_a_follower_that_is_suspended_keeps_no_other_waiting(
    cluster, finance, relayed, monkeypatch
):
    """In the midst of a batch, as on a machine that is gone; then it wakes up."""
    monkeypatch.setattr("infra.finance.follow.IDLE_SECONDS", 1)
    real, suspended, awake = FinanceDatabase._insert, threading.Event(), threading.Event()

    def insert(self, new):
        if not suspended.is_set():
            suspended.set()
            awake.wait(60)
        real(self, new)

    monkeypatch.setattr(FinanceDatabase, "_insert", insert)

    def first_follow():
        with contextlib.suppress(psycopg.OperationalError):  # its transaction is no more
            follow(cluster, finance)

    first = threading.Thread(target=first_follow)
    first.start()
    assert suspended.wait(30)
    try:
        assert follow(cluster, finance) == 18
    finally:
        awake.set()
        first.join(60)
    assert not first.is_alive()
    assert len(events(finance)) == 18


@pytest.mark.kafka
class TestFollowing:
    def test_every_event_lands_once(self, log, cluster, finance, relayed):
        assert follow(cluster, finance) == 18
        assert follow(cluster, finance) == 0
        fund(log, "jonction")
        publish(log, cluster)
        assert follow(cluster, finance) == 5
        assert events(finance) == [
            *(("grottes", n) for n in range(1, 10)),
            *(("jonction", n) for n in range(1, 6)),
            *(("paquis", n) for n in range(1, 10)),
        ]
        assert_is_the_ledger(finance, log)
        assert reconciled(finance).agrees

    def test_it_follows_as_events_come(self, log, cluster, finance):
        topics.ensure(cluster)
        stop = threading.Event()
        follower = Follower(cluster, lambda: psycopg.connect(finance))
        thread = threading.Thread(target=follower.run, args=[stop])
        thread.start()
        try:
            for contract in ("paquis", "grottes"):
                fund(log, contract)
                publish(log, cluster)
            wait_until(lambda: follower.landed == 10)
        finally:
            stop.set()
            thread.join(30)
        assert_is_the_ledger(finance, log)

    def test_a_replay_lands_what_is_missing_and_nothing_twice(self, log, cluster, finance, relayed):
        follow(cluster, finance)
        before = rows(finance, "SELECT id, value FROM quartier.funding_event ORDER BY sequence")
        with psycopg.connect(finance) as connection:
            connection.execute("DELETE FROM quartier.funding_line")
            connection.execute("DELETE FROM quartier.funding_event WHERE number IN (3, 4, 9)")
            connection.execute("DELETE FROM quartier.funding_event WHERE contract = 'grottes'")
        assert not reconciled(finance).agrees
        assert follow(cluster, finance) == 0, "it goes on where it was"
        assert follow(cluster, finance, after=0) == 12
        after = rows(finance, "SELECT id, value FROM quartier.funding_event ORDER BY sequence")
        assert before == after

    def test_it_may_begin_at_any_position(self, log, cluster, finance, relayed):
        landed = follow(cluster, finance, after=14)
        found = events(finance)
        assert landed == len(found) == 6
        assert all(contract == "grottes" for contract, _ in found)
        fund(log, "jonction")
        publish(log, cluster)
        assert follow(cluster, finance) == 5
        # Earlier still: what was left out is landed now.
        assert follow(cluster, finance, after=0) == 12

    def test_a_message_of_another_schema_is_not_passed_over(self, cluster, finance):
        topics.ensure(cluster)
        producer = Producer(dict(cluster.settings))
        headers = {"ce_dataschema": "urn:quartier:schema:funding-event:2"}
        producer.produce(cluster.named(FUNDING), b"{}", b"paquis", headers=headers)
        producer.flush(15)
        with pytest.raises(SchemaUnknown, match="funding-event:2"):
            follow(cluster, finance)
        assert events(finance) == []

    def test_two_followers_on_one_database_land_everything_once(
        self, log, cluster, finance, relayed
    ):
        stop = threading.Event()
        followers = [Follower(cluster, lambda: psycopg.connect(finance)) for _ in range(2)]
        threads = [threading.Thread(target=each.run, args=[stop]) for each in followers]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: sum(each.landed for each in followers) == 18)
            fund(log, "jonction")
            publish(log, cluster)
            wait_until(lambda: sum(each.landed for each in followers) == 23)
            time.sleep(0.5)
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)
        assert sum(each.landed for each in followers) == 23
        assert_is_the_ledger(finance, log)

    def test_a_topic_that_took_the_place_of_another_is_read_from_its_beginning(
        self, log, cluster, finance, relayed
    ):
        """Its offsets are others: going on at the old ones would pass events over."""
        assert follow(cluster, finance) == 18
        admin = AdminClient(dict(cluster.settings))
        names = [cluster.named(topic.name) for topic in topics.TOPICS]
        for future in admin.delete_topics(names).values():
            future.result(15)
        wait_until(lambda: not set(names) & admin.list_topics(timeout=10).topics.keys())
        for number in range(20):
            fund(log, f"later-{number}")
        publish(log, cluster)
        assert follow(cluster, finance) == 100
        assert follow(cluster, finance) == 0
        assert_is_the_ledger(finance, log)

    def test_what_has_expired_is_not_passed_over(self, log, cluster, finance, relayed):
        follow(cluster, finance)
        with psycopg.connect(finance) as connection:
            connection.execute("UPDATE quartier.funding_partition SET next_offset = 1000000")
        with pytest.raises(EventsExpired, match="--after 0"):
            follow(cluster, finance)

    def test_who_may_not_make_tables_follows_into_those_that_are_there(
        self, log, cluster, finance, relayed
    ):
        role = f"follower_{secrets.token_hex(6)}"
        with psycopg.connect(finance, autocommit=True) as connection:
            connection.execute(funding("tables").answer)
            connection.execute(
                f"CREATE ROLE {role};"
                f"GRANT USAGE ON SCHEMA quartier TO {role};"
                f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA quartier TO {role};"
                f"GRANT UPDATE ON quartier.funding_feed, quartier.funding_partition TO {role};"
                f"GRANT DELETE ON quartier.funding_partition TO {role};"
            )
            try:
                limited = f"{finance} options='-c role={role}'"
                assert follow(cluster, limited) == 18
                assert follow(cluster, limited, after=0) == 0
            finally:
                connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")

    def test_without_a_topic_it_says_so(self, cluster, finance):
        with pytest.raises(NoTopic, match="has the relay run"):
            follow(cluster, finance)


@pytest.mark.kafka
class TestCommands:
    @pytest.fixture(autouse=True)
    def named(self, cluster, kafka, finance, monkeypatch):
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
        monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.prefix)
        self.finance = finance

    def test_without_a_database_every_event_is_printed(self, relayed):
        printed = funding("follow", "--once")
        assert printed.status == 0
        assert len(printed.answer.splitlines()) == 18
        assert all(json.loads(line)["lines"] for line in printed.answer.splitlines())
        assert len(funding("follow", "--once", "--after", 14).answer.splitlines()) == 6

    def test_follow_and_reconcile(self, relayed, monkeypatch):
        monkeypatch.setenv("QUARTIER_FINANCE_DSN", self.finance)
        assert "18 funding events landed" in funding("follow", "--once").beside
        agreed = funding("reconcile", today())
        assert agreed.status == 0
        assert "18 funding events on both sides" in agreed.answer
        with psycopg.connect(self.finance) as connection:
            connection.execute("DELETE FROM quartier.funding_line WHERE id = 'grottes/5'")
        differs = funding("reconcile", today())
        assert (differs.status, "grottes/5" in differs.answer) == (1, True)
        told = funding("reconcile", today(), "--json")
        assert told.status == 1
        assert "grottes/5" in json.loads(told.answer)["first_difference"]

    def test_a_database_with_events_of_several_asks_whose_are_meant(self, relayed, monkeypatch):
        monkeypatch.setenv("QUARTIER_FINANCE_DSN", self.finance)
        funding("follow", "--once")
        with psycopg.connect(self.finance) as connection:
            other = replace(landed(1), source="urn:quartier:lancy")
            feed = FinanceDatabase(connection, "lancy.quartier.funding.v1")
            feed.prepare([0], after=None)
            feed.land([other], {0: (0, 1)}, after=0)
        asked = funding("reconcile", today())
        assert asked.status == 2
        assert "--source: urn:quartier, urn:quartier:lancy" in asked.beside
        assert funding("reconcile", today(), "--source", "urn:quartier").status == 0
        assert funding("reconcile", today(), "--source", "urn:nobody").status == 2

    def test_what_is_wrong_is_said_in_a_sentence(self, relayed, monkeypatch):
        assert funding("reconcile", today()).status == 2
        never = funding("reconcile", today(), "--into", self.finance)
        assert (never.status, "Nothing was ever landed" in never.beside) == (1, True)
        away = funding("follow", "--once", "--into", "host=127.0.0.1 port=1 user=u password=hidden")
        assert (away.status, "Connection refused" in away.beside) == (1, True)
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
        monkeypatch.setattr("infra.finance.follow.ANSWER_SECONDS", 1.0)
        away = funding("follow", "--once", "--into", self.finance)
        assert (away.status, "Connection refused" in away.beside) == (1, True)
        monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS")
        assert funding("follow").status == 2


@pytest.mark.parametrize(
    "address",
    [
        "postgres//finance:hidden@db/finance",
        "postgresql://finance:hidden/den@db/finance",
        "postgresql://finance:hid@hidden@db/finance",
        "host=db password=hidden port=hidden dbname=finance",
        "hidden",
    ],
)
def test_an_address_that_is_none_is_not_repeated(address, monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for ended in (
        funding("follow", "--into", address),
        funding("reconcile", "2026-01-01", "--into", address),
    ):
        assert ended.status == 2
        assert "no address of a PostgreSQL database" in ended.beside
        assert "hid" not in ended.answer + ended.beside


# --- Without Kafka ------------------------------------------------------------------------------


def landed(number, *, contract="paquis", **changes):
    line = {
        "account": "bancs/1",
        "balances": dict.fromkeys(AMOUNTS, "1.00"),
        "moved": dict.fromkeys(AMOUNTS, "0.00"),
    }
    named = ("action", "title", "service", "route", "budget_line", "year", "proposal")
    credit = ("deliberation", "gross", "net", "credit")
    event = {
        "contract": contract,
        "number": number,
        "type": "funds-committed",
        "decided_on": "2026-03-01",
        "recorded_at": "2026-03-01T10:00:00Z",
        "reference": "C 1",
        "corrects": None,
        "lines": [dict.fromkeys((*named, *credit)) | line],
        **changes,
    }
    return Landed("urn:quartier", f"{contract}/{number}", number, orjson.dumps(event), event)


@pytest.fixture
def landing(finance):
    with psycopg.connect(finance) as connection:
        database = FinanceDatabase(connection, "funding")
        database.prepare([0], after=None)
        yield database


def test_an_event_that_is_missing_stops_the_stream(landing):
    landing.land([landed(1), landed(2)], {0: (0, 2)}, after=0)
    with pytest.raises(GapFound, match="paquis: funding event 3 is missing; 4 came"):
        landing.land([landed(4)], {0: (2, 3)}, after=0)
    assert landing.land([landed(3), landed(4)], {0: (2, 4)}, after=0) == 2


def test_a_first_event_that_is_not_the_first_is_a_gap_unless_asked_for(landing):
    with pytest.raises(GapFound, match="funding event 1 is missing"):
        landing.land([landed(2)], {0: (0, 1)}, after=0)
    assert landing.land([landed(2), landed(3)], {0: (0, 2)}, after=1) == 2


def test_an_event_that_comes_twice_lands_once(landing):
    assert landing.land([landed(1), landed(1)], {0: (0, 2)}, after=0) == 1
    assert landing.land([landed(1), landed(2)], {0: (2, 4)}, after=0) == 1


def test_two_events_under_one_id_or_number_are_refused(landing):
    landing.land([landed(1)], {0: (0, 1)}, after=0)
    with pytest.raises(EventsDiffer, match="paquis/1 came again"):
        landing.land([landed(1, reference="C 2")], {0: (1, 2)}, after=0)
    other = landed(1)
    twin = Landed(other.source, "paquis/9", 9, other.value, other.event)
    with pytest.raises(EventsDiffer, match="number"):
        landing.land([twin], {0: (1, 2)}, after=0)


def test_an_event_that_a_later_program_published_again_may_have_gained_fields(landing):
    landing.land([landed(1)], {0: (0, 1)}, after=0)
    later = landed(1, added="by a later program")
    later.event["lines"][0]["added"] = {"too": 1}
    later = replace(later, value=orjson.dumps(later.event))
    assert landing.land([later], {0: (1, 2)}, after=0) == 0
    assert landing.land([landed(1)], {0: (2, 3)}, after=0) == 0


def test_offsets_that_somebody_else_moved_stop_the_batch(landing):
    landing.land([landed(1)], {0: (0, 1)}, after=0)
    with pytest.raises(Overtaken):
        landing.land([landed(2)], {0: (0, 1)}, after=0)
    assert landing.land([landed(2)], {0: (1, 2)}, after=0) == 1


# --- Digests ------------------------------------------------------------------------------------


def test_a_day_without_funding_events_has_the_digest_of_nothing(database, log):
    day = recorded_day(dt.date(2026, 1, 1))
    assert (day.events, day.lines) == (0, ())
    assert day.digest == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_digest_is_over_lines_that_anyone_can_write(log):
    fund(log, "paquis", correct=False)
    log.record("paquis", committed("bancs", "2.00"), spent("bancs", "1.00"))
    day = recorded_day(today())
    assert day.events == 6
    assert day.lines[0] == (
        "00000000000000000002 paquis/2 funding-route-chosen 2026-03-01 bancs/1"
        " 0.00 0.00 1000000.00 1000000.00 0.00 0.00 0.00 0.00"
    )
    assert day.as_json(lines=True)["lines"] == list(day.lines)
    assert "lines" not in day.as_json()
    assert recorded_day(today() - dt.timedelta(days=1)).events == 0


def lines(*numbers, sums="0.00"):
    return [
        f"{number:020d} paquis/{number} funds-committed 2026-03-01 bancs/1" + f" {sums}" * 8
        for number in numbers
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (lines(1, 2), lines(1, 2), None),
        (lines(1, 2), lines(1), "paquis/2 (funds-committed) was recorded, and is not landed"),
        (lines(1), lines(1, 2), "paquis/2 (funds-committed) is landed, and was not recorded"),
        (lines(1, 2, 3), lines(1, 3), "paquis/2 (funds-committed) was recorded, and is not landed"),
        (lines(1, 3), lines(1, 2, 3), "paquis/2 (funds-committed) is landed, and was not recorded"),
        (
            lines(1),
            lines(1, sums="5.00"),
            "paquis/1 (funds-committed): requested is 0.00 where recorded, 5.00 where landed",
        ),
    ],
)
def test_the_first_difference_is_named(ours, theirs, said):
    date = dt.date(2026, 3, 1)
    found = compare(Day.of(date, len(ours), ours), Day.of(date, len(theirs), theirs))
    assert found.difference == said
    assert found.agrees is (said is None)
    assert found.as_json()["agrees"] is found.agrees


def test_corrections_are_in_the_digest_of_the_day_they_were_recorded(log):
    fund(log, "paquis", correct=False)
    position = log.record("paquis", released("bancs", "9.00"))
    before = recorded_day(today())
    log.record("paquis", annulled(position))
    after = recorded_day(today())
    assert after.lines[: len(before.lines)] == before.lines
    assert "decision-annulled" in after.lines[-1]


# --- The embedded broker ------------------------------------------------------------------------


def test_a_broker_in_memory_that_was_started_anew_is_read_from_its_beginning(
    log, finance, tmp_path
):
    for number in range(2):
        fund(log, f"contract-{number}")
        with EmbeddedBroker(tmp_path / "broker") as broker:
            cluster = Cluster({"bootstrap.servers": broker.bootstrap_servers})
            with relaying(log, cluster) as running:
                wait_until(lambda: running.has_come_to(log.size()))
            Follower(cluster, lambda: psycopg.connect(finance)).run(threading.Event(), once=True)
    assert_is_the_ledger(finance, log)
