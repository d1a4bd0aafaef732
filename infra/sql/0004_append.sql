-- One append: one call, one transaction, all or nothing.
--
--   events  [{"contract": "paquis", "version": 2, "type": "perimeter-set", "schema": 1,
--             "body": "administrative_council", "decided_on": "2014-03-05",
--             "recorded_by": "coordinator", "payload": {…}}]      at most 1,000
--   texts   [{"id": …, "contract": …, "audience": …, "salt": <hex>, "content": …}] or NULL
--   keys    [{"account": …, "key": …, "digest": <hex>, "contract": …, "version": …}] or NULL
--
-- Everything else is written before the counter row is locked, since that is what all writers
-- wait for. From there on, what is read cannot change any more: every other writer waits.
--
-- It runs with its owner's rights: the application may append in this way and in no other.
--
-- Errors: QT001, a contract is not at the version before the first one given: somebody else was
-- quicker (the detail names both). unique_violation on `idempotency`: the key was used already.

CREATE FUNCTION append(
    events json, texts json, keys json,
    OUT last_position bigint, OUT recorded_at timestamptz
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '15s'  -- somebody holds the counter row: better told than left waiting
AS $$
#variable_conflict use_column
DECLARE
    n integer := json_array_length(events);
    stale record;
BEGIN
    IF keys IS NOT NULL THEN
        INSERT INTO idempotency (account, key, digest, contract, version)
        SELECT account, key, decode(digest, 'hex'), contract, version
        FROM json_to_recordset(keys) AS given (
            account text, key text, digest text, contract text, version integer
        );
    END IF;
    IF texts IS NOT NULL THEN
        INSERT INTO vault_text (id, contract, audience, salt, content)
        SELECT id, contract, audience, decode(salt, 'hex'), content
        FROM json_to_recordset(texts) AS given (
            id uuid, contract text, audience text, salt text, content text
        );
    END IF;
    IF n = 0 THEN
        RETURN;
    END IF;

    UPDATE event_log
    SET size = size + n, recorded_at = greatest(event_log.recorded_at, clock_timestamp())
    RETURNING event_log.size, event_log.recorded_at INTO last_position, append.recorded_at;

    SELECT given.contract, given.first, stored.version INTO stale
    FROM (
        SELECT contract, min(version) AS first, max(version) - min(version) + 1 = count(*) AS whole
        FROM json_to_recordset(events) AS each (contract text, version integer)
        GROUP BY contract
    ) AS given CROSS JOIN LATERAL (
        SELECT coalesce(max(version), 0) AS version FROM event WHERE event.contract = given.contract
    ) AS stored
    WHERE given.first <> stored.version + 1 OR NOT given.whole
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is at version %, not %', stale.contract, stale.version, stale.first - 1
            USING ERRCODE = 'QT001';
    END IF;

    INSERT INTO event (
        position, contract, version, type, schema, body,
        decided_on, recorded_at, recorded_by, payload
    )
    SELECT
        append.last_position - n + place, contract, version, type, schema, body,
        decided_on, append.recorded_at, recorded_by, payload
    FROM ROWS FROM (json_to_recordset(events) AS (
        contract text, version integer, type text, schema smallint, body text,
        decided_on date, recorded_by text, payload json
    )) WITH ORDINALITY AS given (
        contract, version, type, schema, body, decided_on, recorded_by, payload, place
    );

    PERFORM pg_notify('quartier_events', last_position::text);
END
$$;
REVOKE ALL ON FUNCTION append(json, json, json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append(json, json, json) TO quartier_app;
