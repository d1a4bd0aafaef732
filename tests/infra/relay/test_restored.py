"""A database that was put back to an earlier day, under a Kafka that knows what came after it.

Ids are given out again; so it is told by what was recorded, and stays refused until a person has
looked at what differs.
"""

import pytest
from confluent_kafka import Producer

from infra.cli import program
from infra.log.sealer import seal
from infra.relay import checking
from infra.relay.comparing import compare
from infra.relay.positions import Place, last_place
from infra.relay.publisher import Publisher
from infra.relay.recovery import NotRecoverable, accept, recover
from infra.relay.resuming import LogDiverged
from infra.relay.source import LogSource
from infra.relay.topics import DECISIONS, FUNDING, POSITIONS
from tests.infra.relay.checks import assert_complete
from tests.infra.relay.reading import SOURCE, headers, ids, read
from tests.infra.relay.story import Log, committed, fund
from tests.infra.relay.test_relay import relay_all, stopped_by

pytestmark = pytest.mark.kafka

LOST = 20


def twenty(log, amount):
    """Decisions that come after the backup."""
    for number in range(LOST):
        log.record("paquis", committed("bancs", amount, f"C {number}"))


def copied(log, database, postgres, name):
    """A copy of the log's database as it is now."""
    # The database that is copied must have no sessions.
    postgres.admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
        [database.name],
    )
    log.close()
    log._local.connection = None
    postgres.execute("CREATE DATABASE {name} TEMPLATE {old}", name=name, old=database.name)
    copy = Log(postgres.address(name))
    copy._versions = dict(log._versions)
    return copy


@pytest.fixture
def restored(log, database, postgres, tmp_path):
    """Published was more than the backup holds; this is the backup."""
    fund(log, "paquis", 2)
    seal(log.connect(), tmp_path / "log-key")
    name = f"{database.name}_backup"
    other = copied(log, database, postgres, name)
    twenty(log, "10.00")
    yield other
    other.close()
    postgres.execute("DROP DATABASE {name} WITH (FORCE)", name=name)


def sourced(log, do, cluster):
    source = LogSource(log.connect)
    try:
        return do(cluster, source, SOURCE)
    finally:
        source.close()


def findings(log, cluster):
    return sourced(log, lambda *args: list(checking.findings(*args)), cluster)


def published(cluster):
    return ids(read(cluster, FUNDING)), ids(read(cluster, DECISIONS))


def test_it_is_refused_however_far_it_grows(log, cluster, restored):
    """Twenty decisions are entered again, with another amount: their ids are those published."""
    relay_all(log, cluster)
    before = published(cluster)
    assert "beyond its end" in str(stopped_by(restored, cluster))
    twenty(restored, "99.00")
    assert isinstance(stopped_by(restored, cluster), LogDiverged)
    fund(restored, "jonction", 5)
    assert isinstance(stopped_by(restored, cluster), LogDiverged)
    assert published(cluster) == before
    said = " ".join(findings(restored, cluster))
    assert "at 11 there is paquis/11 " in said
    assert "And 30 more." in said


def test_it_is_told_by_its_content_where_nobody_had_looked_before(log, cluster, restored):
    """The relay was away while the database was put back, and came when it had grown again."""
    relay_all(log, cluster)
    twenty(restored, "99.00")
    error = stopped_by(restored, cluster)
    assert isinstance(error, LogDiverged)
    assert "Was the database restored?" in str(error)


def test_a_refusal_stays_even_if_the_right_log_comes_back(log, cluster, restored):
    """A person has seen what differs, and says so: nothing else lifts it."""
    relay_all(log, cluster)
    twenty(restored, "99.00")
    stopped_by(restored, cluster)
    assert isinstance(stopped_by(log, cluster), LogDiverged)
    found = sourced(log, compare, cluster)
    assert not found.complete
    assert any("refuses" in each for each in found.sentences())
    with pytest.raises(NotRecoverable, match="accept-divergence"):
        sourced(log, recover, cluster)
    assert sourced(log, accept, cluster).differing == ()
    relay_all(log, cluster)
    assert findings(log, cluster) == []
    assert_complete(log, cluster)


def test_what_a_person_accepts_is_named_and_left_as_it_is(log, cluster, restored, tmp_path):
    seal(log.connect(), tmp_path / "log-key")
    relay_all(log, cluster)
    before = published(cluster)
    first = restored.size() + 1
    stopped_by(restored, cluster)
    with pytest.raises(NotRecoverable, match=f"ends at {first - 1}"):
        sourced(restored, accept, cluster)
    twenty(restored, "99.00")
    found = sourced(restored, accept, cluster)
    assert len(found.differing) == 2 * LOST + 1  # decisions, funding events and a checkpoint
    assert f"at {first} " in found.differing[0]
    assert last_place(cluster, SOURCE).accepted == (first, restored.size())
    fund(restored, "jonction")
    relay_all(restored, cluster)
    funding, decisions = published(cluster)
    assert decisions[: len(before[1])] == before[1] or set(before[1]) < set(decisions)
    assert len(set(funding)) == len(funding)
    assert findings(restored, cluster) == []
    assert sourced(restored, compare, cluster).complete


def earlier_record(cluster, place):
    """The position as a program wrote it that knew of ids only."""

    class Earlier(Place):
        def as_value(self):
            return b'{"checkpoint":%d,"event":"%s","position":%d,"published":{"%s":5,"%s":6}}' % (
                self.checkpoint,
                self.event.encode(),
                self.position,
                FUNDING.encode(),
                DECISIONS.encode(),
            )

    publisher = Publisher(cluster)
    publisher.open()
    publisher.publish(
        [], SOURCE, Earlier(place.position, place.event, place.published, place.checkpoint)
    )
    publisher.drop()


def test_a_position_of_an_earlier_program_is_read_and_completed(log, cluster):
    fund(log, "paquis")
    relay_all(log, cluster)
    earlier_record(cluster, last_place(cluster, SOURCE))
    assert last_place(cluster, SOURCE).leaf == ""
    relay_all(log, cluster)
    fund(log, "grottes")
    relay_all(log, cluster)
    assert len(last_place(cluster, SOURCE).leaf) == 64
    assert_complete(log, cluster)


def test_the_last_published_checkpoint_tells_it_under_such_a_position(
    log, cluster, restored, tmp_path
):
    seal(log.connect(), tmp_path / "log-key")
    relay_all(log, cluster)
    earlier_record(cluster, last_place(cluster, SOURCE))
    twenty(restored, "99.00")
    assert "checkpoint over" in str(stopped_by(restored, cluster))


def test_a_log_that_misses_a_tile_is_not_taken_for_another(log, cluster, database, tmp_path):
    """It cannot be compared, which is said; nothing is noted that a person would have to lift."""
    for number in range(300):
        log.record(f"contract-{number}", committed("bancs", "10.00"))
    seal(log.connect(), tmp_path / "log-key")
    relay_all(log, cluster)
    with log.connect() as intruder:
        intruder.execute("ALTER TABLE log_tile DISABLE TRIGGER USER")
        intruder.execute("DELETE FROM log_tile")
    error = stopped_by(log, cluster)
    assert "cannot be compared" in str(error)
    assert last_place(cluster, SOURCE).refused is None
    assert any("cannot be compared" in each for each in findings(log, cluster))


# --- Content, message by message ------------------------------------------------------------------


def republished(cluster, topic, change):
    """The last message of a topic once more, changed, in the place of nothing: under a new id."""
    message = read(cluster, topic)[-1]
    value, told = change(message.value(), dict(message.headers()))
    producer = Producer(dict(cluster.settings))
    producer.produce(
        message.topic(), value, message.key(), partition=message.partition(), headers=told
    )
    producer.flush(15)


def test_a_message_with_another_content_is_named(log, cluster, monkeypatch):
    """Same id, same instant, same type: another amount."""
    from infra.relay.messages import Messages  # noqa: PLC0415 - patched here

    fund(log, "paquis")
    real = Messages.of

    def forged(self, row):
        return [
            each._replace(value=each.value.replace(b"10.50", b"99.50")) for each in real(self, row)
        ]

    with monkeypatch.context() as patch:
        patch.setattr(Messages, "of", forged)
        relay_all(log, cluster)
    found = sourced(log, compare, cluster)
    assert not found.complete
    assert any("content" in each and "paquis/3" in each for each in found.differing)
    assert any("paquis/3" in each for each in findings(log, cluster))
    assert [headers(each)["ce_id"] for each in read(cluster, FUNDING)] == [
        f"paquis/{n}" for n in (2, 3, 4, 5, 6)
    ]


def test_what_a_later_program_adds_is_no_difference(log, cluster, monkeypatch):
    """A version of a schema gains fields: what was published before lacks them, rightly."""
    from infra.relay.messages import Messages  # noqa: PLC0415 - patched here

    fund(log, "paquis")
    relay_all(log, cluster)
    real = Messages.of

    def richer(self, row):
        return [
            each._replace(value=each.value.replace(b'{"contract"', b'{"added":[1],"contract"', 1))
            for each in real(self, row)
        ]

    monkeypatch.setattr(Messages, "of", richer)
    assert sourced(log, compare, cluster).complete
    assert findings(log, cluster) == []


# --- The command ----------------------------------------------------------------------------------


def test_the_command_lifts_it_and_names_what_differs(
    log, cluster, restored, kafka, capfd, monkeypatch, database
):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.prefix)
    monkeypatch.setenv("QUARTIER_SOURCE", SOURCE)
    relay_all(log, cluster)
    stopped_by(restored, cluster)
    monkeypatch.setattr("infra.cli.topics.LogSource", lambda _: LogSource(restored.connect))
    assert program.run(["topics"]) == 1
    assert "The relay refuses to go on" in capfd.readouterr().out
    assert program.run(["topics", "--accept-divergence"]) == 1
    assert "The log ends at" in capfd.readouterr().err
    twenty(restored, "99.00")
    assert program.run(["topics", "--accept-divergence"]) == 0
    said = capfd.readouterr().out
    assert f"at {restored.size()} " in said
    assert POSITIONS not in said
    assert program.run(["topics"]) == 0
    relay_all(restored, cluster)
