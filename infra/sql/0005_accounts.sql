-- Who may ask: a role's account, never a person's. Its token is kept as a digest only: it is
-- 256 random bits, so that a plain SHA-256 of it cannot be guessed at.

CREATE TABLE account (
    name text PRIMARY KEY,
    role text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
REVOKE ALL ON account FROM quartier_app, PUBLIC;
GRANT SELECT, INSERT, UPDATE ON account TO quartier_app;
