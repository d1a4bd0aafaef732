-- Who does the work that one process does at a time: the relay, the sealer, the read models.
--
--   token       raised by each take-over, so that a holder that was suspended can be told apart
--   backend     the server process of the holder's session; a session that is gone holds nothing
--   expires_at  by this server's clock; the holder moves it on every second or two
--   note        why the work waits or refuses to go on, for whoever asks; NULL while it goes on

CREATE TABLE lease (
    name text PRIMARY KEY,
    token bigint NOT NULL,
    holder text NOT NULL,
    backend integer,
    renewed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    note text
) WITH (fillfactor = 50);
COMMENT ON TABLE lease IS 'Work that one process does at a time: who does it, and until when';

REVOKE ALL ON lease FROM quartier_app, PUBLIC;
GRANT SELECT, INSERT, UPDATE ON lease TO quartier_app;
