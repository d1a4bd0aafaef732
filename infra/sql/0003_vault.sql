-- What may have to be forgotten. Events refer to it by id; nothing refers the other way.
-- Rows are kept when their content is erased: an id that was once given out stays known.

CREATE TABLE vault_text (
    id uuid PRIMARY KEY,
    contract text NOT NULL,
    audience text NOT NULL CHECK (audience IN ('public', 'restricted')),
    salt bytea,
    content text,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN vault_text.salt IS 'Hashed before the content; erased with it, or it could be guessed at';
COMMENT ON COLUMN vault_text.content IS 'NULL once erased';
CREATE INDEX vault_text_contract ON vault_text (contract);

CREATE TABLE vault_person (
    id uuid PRIMARY KEY,
    name text,
    contact text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL
);
COMMENT ON COLUMN vault_person.name IS 'NULL once erased';

-- Which request recorded what. Kept without limit of time: a retry years later is answered alike.
CREATE TABLE idempotency (
    account text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    contract text NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (account, key)
);
COMMENT ON COLUMN idempotency.digest IS 'SHA-256 of the request: the same key with another body is refused';

REVOKE ALL ON vault_text, vault_person, idempotency FROM quartier_app, PUBLIC;
GRANT SELECT, INSERT, UPDATE ON vault_text, vault_person TO quartier_app;
GRANT SELECT, INSERT ON idempotency TO quartier_app;
