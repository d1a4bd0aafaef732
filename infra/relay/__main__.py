"""The relay alone, until it is interrupted: `python -m infra.relay`."""

import os
import signal
import sys
import threading

import django
import structlog
from confluent_kafka import KafkaException

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.settings")
django.setup()

from infra.kafka_client import NoBroker  # noqa: E402 - needs settings
from infra.relay.relay import RelayStopped, relay  # noqa: E402
from infra.relay.topics import TopicsUnfit  # noqa: E402

log = structlog.get_logger(__name__)


def main() -> int:
    """Exit status 0 when asked to stop, 1 when somebody must look at something first."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        relay(stop)
    except (RelayStopped, TopicsUnfit, NoBroker, KafkaException) as error:
        log.error("relay_refused", kind=type(error).__name__, reason=str(error))  # noqa: TRY400 - no trace
        return 1
    return 0


sys.exit(main())
