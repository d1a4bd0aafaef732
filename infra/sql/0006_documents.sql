-- Evidence by its content. The bytes are files; here is what is known of them.

CREATE TABLE document (
    sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
    size bigint NOT NULL CHECK (size >= 0),
    media_type text NOT NULL,
    title text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL
);
REVOKE ALL ON document FROM quartier_app, PUBLIC;
GRANT SELECT, INSERT ON document TO quartier_app;
