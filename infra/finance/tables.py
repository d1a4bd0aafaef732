"""The tables that funding events land in: PostgreSQL, in a schema of their own.

- `funding_event`: each event once, by `source` and `id`, and the message as it came
- `funding_line`: an account of an event, its balances after it and by how much they moved
- `funding_balance`: where each account stands; a view
- `funding_feed`, `funding_partition`: how far the reading is, moved in the transaction it is about
"""

from __future__ import annotations

from typing import Final

from infra.relay.shapes import AMOUNTS

NAMED: Final = (
    "account",
    "action",
    "title",
    "service",
    "route",
    "budget_line",
    "year",
    "proposal",
    "deliberation",
    "gross",
    "net",
    "credit",
)
MOVED: Final = tuple(f"moved_{amount}" for amount in AMOUNTS)
_FRANCS: Final = "numeric(18, 2) NOT NULL"

SCHEMA: Final = f"""
CREATE SCHEMA IF NOT EXISTS quartier;
CREATE TABLE IF NOT EXISTS quartier.funding_feed (
    topic text PRIMARY KEY,
    after bigint NOT NULL,
    topic_id text NOT NULL DEFAULT ''
);
COMMENT ON COLUMN quartier.funding_feed.after IS 'Events up to this position were never asked for';
COMMENT ON COLUMN quartier.funding_feed.topic_id IS 'Kafka''s: another one is another topic';
CREATE TABLE IF NOT EXISTS quartier.funding_partition (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
CREATE TABLE IF NOT EXISTS quartier.funding_event (
    source text NOT NULL,
    id text NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    contract text NOT NULL,
    number integer NOT NULL,
    decided_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    reference text,
    corrects text,
    value bytea NOT NULL,
    landed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, id),
    UNIQUE (source, contract, number),
    UNIQUE (source, sequence)
);
COMMENT ON COLUMN quartier.funding_event.value IS 'The message as it came, byte for byte';
CREATE INDEX IF NOT EXISTS funding_event_recorded_at ON quartier.funding_event (recorded_at);
CREATE TABLE IF NOT EXISTS quartier.funding_line (
    source text NOT NULL,
    id text NOT NULL,
    line integer NOT NULL,
    account text NOT NULL,
    action text,
    title text,
    service text,
    route text,
    budget_line text,
    year integer,
    proposal text,
    deliberation text,
    gross numeric(18, 2),
    net numeric(18, 2),
    credit text,
    {", ".join(f"{name} {_FRANCS}" for name in (*AMOUNTS, *MOVED))},
    PRIMARY KEY (source, id, line),
    FOREIGN KEY (source, id) REFERENCES quartier.funding_event (source, id)
);
CREATE OR REPLACE VIEW quartier.funding_balance AS
SELECT DISTINCT ON (source, contract, account)
    source, contract, {", ".join(NAMED)}, {", ".join(AMOUNTS)}, sequence
FROM quartier.funding_event JOIN quartier.funding_line USING (source, id)
ORDER BY source, contract, account, sequence DESC;
"""  # noqa: S608 - constants only
