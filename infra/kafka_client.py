"""How every Kafka client of Quartier is set up: by the environment, and never saying a secret.

`KAFKA_BOOTSTRAP_SERVERS` names the brokers. Each name of `PASSED_ON` becomes the librdkafka
property of the same words: `KAFKA_SASL_USERNAME` is `sasl.username`. A secret may be given as a
file instead, which is how containers hand them in: `KAFKA_SASL_PASSWORD_FILE`.
`KAFKA_TOPIC_PREFIX` comes before every name, where several municipalities share brokers.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def bootstrap_servers(environ: Mapping[str, str] = os.environ) -> str:
    """The addresses of the brokers.

    Raises:
        NoBroker: `KAFKA_BOOTSTRAP_SERVERS` is not set.
    """
    servers = environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
    if not servers:
        raise NoBroker("KAFKA_BOOTSTRAP_SERVERS names no broker.")
    return servers


def cluster(environ: Mapping[str, str] = os.environ) -> Cluster:
    """The cluster that the environment names.

    Raises:
        NoBroker: `KAFKA_BOOTSTRAP_SERVERS` is not set.
        OSError: a file that holds a secret cannot be read.
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
            value = Path(file).read_text("utf-8").rstrip("\r\n")
        if value:
            found[name.removeprefix("KAFKA_").lower().replace("_", ".")] = value
    return Cluster(found, environ.get("KAFKA_TOPIC_PREFIX", ""))
