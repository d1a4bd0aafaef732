"""What the relay says of itself, for Prometheus.

Of the gauges, the value that was set last counts, whichever process set it, as long as it lives:
one relay is active. A relay that is suspended sets none, which `observed` tells.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

Latest: Final = partial(Gauge, multiprocess_mode="livemostrecent")

active = Latest("quartier_relay_active", "1 while a relay is active.")
position = Latest("quartier_relay_position", "Position of the last event published to Kafka.")
lag_events = Latest("quartier_relay_lag_events", "Events recorded and not yet published.")
lag_seconds = Latest(
    "quartier_relay_lag_seconds", "Age of the oldest event that is not yet published, 0 if none."
)
observed = Latest(
    "quartier_relay_observed_timestamp_seconds", "When the lag was looked at last, in Unix time."
)
events = Counter("quartier_relay_events", "Events published.")
messages = Counter("quartier_relay_messages", "Messages committed.", ["topic"])
transactions = Counter(
    "quartier_relay_transactions",
    "Kafka transactions by outcome: committed, aborted, or unknown until read back.",
    ["outcome"],
)
transaction_seconds = Histogram(
    "quartier_relay_transaction_seconds",
    "Time from the beginning of a transaction to the answer to its commit.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 20),
)
starts = Counter("quartier_relay_starts", "Producers started: one at the start and after failures.")
