-- The transparency log: what was hashed and signed. Rows are added and never changed, so that
-- what was once signed can always be shown.
--
--   log_tile        level 0: the hashes of 256 leaves; level n: the roots of 256 tiles below
--   log_checkpoint  size 3, root, the text that is signed, the newest leaves
--   log_signature   a line below that text: the log's own, or a witness's

CREATE TABLE log_tile (
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    index bigint NOT NULL CHECK (index >= 0),
    hashes bytea NOT NULL CHECK (length(hashes) = 8192),
    root bytea NOT NULL CHECK (length(root) = 32),
    PRIMARY KEY (level, index)
);
COMMENT ON TABLE log_tile IS 'Full tiles of C2SP tlog-tiles; partial ones are made from what is here';
COMMENT ON COLUMN log_tile.root IS 'Root of the tile: its hash in the tile above';
-- Hashes cannot be compressed.
ALTER TABLE log_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE log_checkpoint (
    size bigint PRIMARY KEY CHECK (size >= 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    text text NOT NULL,
    tail bytea NOT NULL CHECK (length(tail) % 32 = 0 AND length(tail) < 8192),
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN log_checkpoint.text IS 'Origin, size and root as they are signed';
COMMENT ON COLUMN log_checkpoint.tail IS
    'Hashes of the leaves since the checkpoint before, those that no full tile holds yet';
ALTER TABLE log_checkpoint ALTER COLUMN tail SET STORAGE EXTERNAL;

CREATE TABLE log_signature (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    size bigint NOT NULL REFERENCES log_checkpoint,
    key text NOT NULL,
    line text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (size, key)
);
COMMENT ON COLUMN log_signature.key IS 'Public key that it is by, as C2SP writes verifier keys';
CREATE INDEX log_signature_key ON log_signature (key, size);

CREATE FUNCTION refuse_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was sealed is never changed: % of % is refused', tg_op, tg_table_name
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER log_tile_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log_tile
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_log_change();
CREATE TRIGGER log_checkpoint_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_log_change();
CREATE TRIGGER log_signature_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log_signature
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_log_change();
ALTER TABLE log_tile ENABLE ALWAYS TRIGGER log_tile_is_never_changed;
ALTER TABLE log_checkpoint ENABLE ALWAYS TRIGGER log_checkpoint_is_never_changed;
ALTER TABLE log_signature ENABLE ALWAYS TRIGGER log_signature_is_never_changed;

REVOKE ALL ON log_tile, log_checkpoint, log_signature FROM quartier_app, PUBLIC;
GRANT SELECT, INSERT ON log_tile, log_checkpoint, log_signature TO quartier_app;
