"""The last published checkpoint of the transparency log, for its sealer to compare with.

What Kafka holds is out of the reach of whoever administers the database, and outlives this
machine: a database that was put back is told by it even where nothing else remembers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from confluent_kafka import KafkaException

from infra.broker import kafka_client
from infra.log.notes import Checkpoint, Note, NoteError
from infra.log.sealing import NotAnswered
from infra.relay.positions import last_checkpoint

if TYPE_CHECKING:
    from infra.broker.kafka_client import Cluster
    from infra.log.keys import LogKeys

log = structlog.get_logger(__name__)


def published_checkpoint(cluster: Cluster, keys: LogKeys) -> Checkpoint | None:
    """The last one that was published of the log with these keys; None if there is none.

    One that these keys have not signed says nothing of what they signed; it is logged.

    Raises:
        NotAnswered: the brokers cannot be asked.
    """
    try:
        found = last_checkpoint(cluster, origin=keys.origin)
    except KafkaException as error:
        raise NotAnswered(f"Kafka: {kafka_client.reason(cluster, error)}") from error
    if found is None:
        return None
    try:
        note = Note.parse(found.value() or b"")
        note.verified(keys.known)
        return Checkpoint.parse(note.text)
    except NoteError as error:
        log.warning("published_checkpoint_is_not_ours", why=str(error), offset=found.offset())
        return None
