-- The one order of all decisions, and the row that gives out its numbers.
--
--   event_log   size = 3, recorded_at = that of event 3
--   event       1 (paquis, 1)   2 (grottes, 1)   3 (paquis, 2)

CREATE TABLE event_log (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    size bigint NOT NULL CHECK (size >= 0),
    recorded_at timestamptz NOT NULL
) WITH (
    -- Updated at every append: room on its page keeps each new version there, off the index.
    fillfactor = 10,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0
);
COMMENT ON TABLE event_log IS 'The end of the log: its lock, its counter and its clock in one row';
INSERT INTO event_log (size, recorded_at) VALUES (0, 'epoch');

CREATE TABLE event (
    position bigint PRIMARY KEY CHECK (position > 0),
    contract text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    type text NOT NULL,
    schema smallint NOT NULL,
    body text NOT NULL,
    decided_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    payload json NOT NULL,
    CONSTRAINT event_contract_version UNIQUE (contract, version)
);
COMMENT ON TABLE event IS 'Decisions as recorded, for ever; holds no name and no free text';
COMMENT ON COLUMN event.position IS 'Place in the order of all decisions: 1, 2, 3, … without gaps';
COMMENT ON COLUMN event.version IS 'Place in the history of its contract: 1, 2, 3, … without gaps';
COMMENT ON COLUMN event.payload IS 'Canonical JSON, kept byte for byte: json, not jsonb';

CREATE INDEX event_type_position ON event (type, position);

-- Nobody changes an event: not the owner, not a superuser, not a replication session.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed: % of % is refused', tg_op, tg_table_name
        USING ERRCODE = 'restrict_violation',
              HINT = 'Record a rectification or an annulment instead.';
END
$$;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE OR DELETE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_is_never_truncated BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE event ENABLE ALWAYS TRIGGER event_is_never_changed;
ALTER TABLE event ENABLE ALWAYS TRIGGER event_is_never_truncated;

REVOKE ALL ON event, event_log FROM quartier_app, PUBLIC;
GRANT SELECT ON event, event_log TO quartier_app;
