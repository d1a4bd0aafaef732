-- Which request handed a document in. Kept without limit of time, as `idempotency` is.
CREATE TABLE document_request (
    account text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (account, key)
);
COMMENT ON COLUMN document_request.digest IS 'SHA-256 of the request: the same key with another body is refused';
REVOKE ALL ON document_request FROM quartier_app, PUBLIC;
GRANT SELECT, INSERT ON document_request TO quartier_app;
