"""How every Kafka client of Quartier is set up: by the environment, and never saying a secret.

`KAFKA_BOOTSTRAP_SERVERS` names the brokers. Each name of `PASSED_ON` becomes the librdkafka
property of the same words: `KAFKA_SASL_USERNAME` is `sasl.username`. A secret may be given as a
file instead, which is how containers hand them in: `KAFKA_SASL_PASSWORD_FILE`.
`KAFKA_TOPIC_PREFIX` comes before every name, where several municipalities share brokers.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from django.core.exceptions import ImproperlyConfigured

from infra.broker import embedded_broker
from infra.conf import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from confluent_kafka import Message, TopicPartition

PASSED_ON: Final = (
    "KAFKA_CLIENT_RACK",
    "KAFKA_SASL_KERBEROS_KEYTAB",
    "KAFKA_SASL_KERBEROS_PRINCIPAL",
    "KAFKA_SASL_KERBEROS_SERVICE_NAME",
    "KAFKA_SASL_MECHANISM",
    "KAFKA_SASL_OAUTHBEARER_CLIENT_ID",
    "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET",
    "KAFKA_SASL_OAUTHBEARER_EXTENSIONS",
    "KAFKA_SASL_OAUTHBEARER_METHOD",
    "KAFKA_SASL_OAUTHBEARER_SCOPE",
    "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL",
    "KAFKA_SASL_PASSWORD",
    "KAFKA_SASL_USERNAME",
    "KAFKA_SECURITY_PROTOCOL",
    "KAFKA_SSL_CA_LOCATION",
    "KAFKA_SSL_CERTIFICATE_LOCATION",
    "KAFKA_SSL_CIPHER_SUITES",
    "KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM",
    "KAFKA_SSL_KEY_LOCATION",
    "KAFKA_SSL_KEY_PASSWORD",
    "KAFKA_SSL_KEYSTORE_LOCATION",
    "KAFKA_SSL_KEYSTORE_PASSWORD",
)
"""What librdkafka is told about the way to the brokers; see its CONFIGURATION.md."""

SECRETS: Final = tuple(name for name in PASSED_ON if name.endswith(("_PASSWORD", "_SECRET")))
"""Those that may be given as a file, and that are never said."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Some brokers, and whose names on them are ours.

    settings: the librdkafka properties that every client needs to reach them; holds secrets.
    prefix: comes before the names of topics and before the transactional id.
    """

    settings: Mapping[str, Any] = field(repr=False)
    prefix: str = ""

    def named(self, name: str) -> str:
        """What a topic or a transactional id of ours is called there."""
        return self.prefix + name


class NoBroker(Exception):
    """The environment names no Kafka broker."""


class UnreadableSecret(ImproperlyConfigured):
    """A file that should hold a secret cannot be read; the sentence names it and says why."""


class NotLetIn(Exception):
    """The brokers answer, and do not let us in; the sentence says why, and no secret."""


def bootstrap_servers(environ: Mapping[str, str] = os.environ) -> str:
    """The addresses of the brokers: those that are named, or else the one of `quartier up`.

    Raises:
        NoBroker: `KAFKA_BOOTSTRAP_SERVERS` is not set, and none runs here for trying out.
    """
    servers = environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
    if not servers and not environment.is_production():
        servers = embedded_broker.running_at(environment.BROKER_FILE) or ""
    if not servers:
        raise NoBroker("KAFKA_BOOTSTRAP_SERVERS names no broker.")
    return servers


def cluster(environ: Mapping[str, str] = os.environ) -> Cluster:
    """The cluster that the environment names.

    Raises:
        NoBroker: `KAFKA_BOOTSTRAP_SERVERS` is not set.
        UnreadableSecret: a file that should hold a secret cannot be read.
    """
    found: dict[str, Any] = {
        "bootstrap.servers": bootstrap_servers(environ),
        "client.id": "quartier",
        # A broker that comes back is found again within a second, not within ten.
        "reconnect.backoff.max.ms": 1000,
        "logger": logging.getLogger("quartier.kafka"),
    }
    for name in PASSED_ON:
        value = environ.get(name)
        if name in SECRETS and (file := environ.get(f"{name}_FILE")):
            value = _secret(f"{name}_FILE", file)
        if value:
            found[name.removeprefix("KAFKA_").lower().replace("_", ".")] = value
    return Cluster(found, environ.get("KAFKA_TOPIC_PREFIX", ""))


def _secret(variable: str, file: str) -> str:
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        why = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        why = "not in UTF-8"  # Python's own sentence would quote what is in the file
    raise UnreadableSecret(f"{variable}: {file} cannot be read: {why}.")


# --- Reading --------------------------------------------------------------------------------------


@contextlib.contextmanager
def reader(where: Cluster, group: str, **settings: Any) -> Iterator[Consumer]:
    """A consumer of committed messages that keeps no offsets and says when it is at an end.

    Args:
        where: the brokers.
        group: a name that brokers ask for; nothing is subscribed to, so no group is joined.
        settings: librdkafka properties with underscores for dots, besides those or in their place.
    """
    consumer = Consumer(
        {
            **where.settings,
            "group.id": group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            **{name.replace("_", "."): value for name, value in settings.items()},
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def to_the_end(
    consumer: Consumer, partitions: Sequence[TopicPartition], seconds: float
) -> Iterator[Message]:
    """What partitions hold from the offsets given to their ends as they are when they are reached.

    Raises:
        KafkaException: that cannot be read, or nothing came for so many seconds.
    """
    consumer.assign(list(partitions))
    left = {(each.topic, each.partition) for each in partitions}
    deadline = time.monotonic() + seconds
    while left:
        message = consumer.poll(0.5)
        if message is None:
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - its name
            continue
        if (error := message.error()) is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
            left.discard((message.topic() or "", message.partition() or 0))
        elif not error.retriable():
            raise KafkaException(error)
        deadline = time.monotonic() + seconds


# --- What is wrong when nothing answers -----------------------------------------------------------

_NOT_LET_IN: Final = {
    KafkaError._AUTHENTICATION,  # noqa: SLF001 - its name
    KafkaError._SSL,  # noqa: SLF001 - its name
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
_SILENCE: Final = {
    KafkaError._TRANSPORT,  # noqa: SLF001 - its name
    KafkaError._TIMED_OUT,  # noqa: SLF001 - its name
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - its name
}
ASKING_SECONDS: Final = 5.0


def reason(where: Cluster, error: KafkaException) -> str:
    """What is wrong, in a sentence for whoever has to mend it.

    A call that fails because nobody answers does not say why: that the password is wrong, or the
    certificate, librdkafka tells its background only. So the brokers are asked once more, and
    listened to. Takes up to `ASKING_SECONDS`.
    """
    fault: KafkaError = error.args[0]
    heard = _listen(where) if fault.code() in _SILENCE else None
    return f"{fault.name()}: {fault.str()}" + (f": {heard.str()}" if heard else "")


def let_in(where: Cluster) -> None:
    """Do nothing, unless the brokers would not let us in now.

    Brokers that cannot be reached are none that do not let us in: they may come back.

    Raises:
        NotLetIn: wrong name, password, mechanism or certificate.
    """
    heard = _listen(where)
    if heard is not None and heard.code() in _NOT_LET_IN:
        raise NotLetIn(heard.str())


def _listen(where: Cluster) -> KafkaError | None:
    """Ask the brokers for anything; what they had against it. None if they answered."""
    heard: list[KafkaError] = []
    quiet = logging.getLogger("quartier.kafka.asking")
    quiet.disabled = True
    asking = Producer({**where.settings, "logger": quiet, "error_cb": heard.append})
    deadline = time.monotonic() + ASKING_SECONDS
    while time.monotonic() < deadline:
        try:
            asking.list_topics(timeout=0.5)
        except KafkaException:
            asking.poll(0)
        else:
            return None
        # All brokers are down: a consequence, and never the cause.
        causes = [each for each in heard if each.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001 - its name
        if causes:
            return next((each for each in causes if each.code() in _NOT_LET_IN), causes[0])
    return None
