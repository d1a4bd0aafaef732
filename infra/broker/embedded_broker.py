"""A Kafka broker for trying out, where none is installed: the one inside librdkafka.

It listens on ports of 127.0.0.1, speaks Kafka's protocol to any client, transactions included,
and lives in the memory of the process that started it. It makes topics when they are first
named, keeps nothing on the disk, and shows a reader of committed messages the aborted ones too.
So it is for `make run`, and never for production.
"""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog
from confluent_kafka import Producer

log = structlog.get_logger(__name__)

START_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 1.0

MOCK_CLUSTER: Final = "mockCluster"
"""How the id of such a cluster begins, which is how clients can tell."""


class EmbeddedBroker:
    """A broker that runs for as long as this object does. Ends with `stop`, or its `with` block.

    Args:
        file: where its address is kept meanwhile, for other programs of this machine.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._holder: Producer | None = Producer(
            {
                "bootstrap.servers": "127.0.0.1",
                "test.mock.num.brokers": 1,
                "logger": _quiet(),
            }
        )
        metadata = self._holder.list_topics(timeout=START_SECONDS)
        self.bootstrap_servers: str = ",".join(
            f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()
        )
        self._file.write_text(self.bootstrap_servers, "ascii")
        log.info("embedded_broker_started", bootstrap_servers=self.bootstrap_servers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the broker; what it held is gone."""
        if self._holder is not None:
            self._file.unlink(missing_ok=True)
            self._holder.close()
            self._holder = None
            log.info("embedded_broker_stopped")


def running_at(file: Path) -> str | None:
    """The address of the broker that keeps it in this file; None if there is none, or no more."""
    try:
        address = file.read_text("ascii")
        host, _, port = address.partition(",")[0].rpartition(":")
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError):
        return None
    return address


def _quiet() -> logging.Logger:
    logger = logging.getLogger("quartier.kafka.embedded")
    logger.setLevel(logging.ERROR)
    return logger


def is_embedded(cluster_id: str | None) -> bool:
    """Whether a cluster with this id is one of these."""
    return bool(cluster_id) and str(cluster_id).startswith(MOCK_CLUSTER)
