-- Finished days of funding events: worked out from the log once, when somebody first asks. A row
-- can be deleted at any time; it is then worked out again.

CREATE TABLE funding_day (
    date date PRIMARY KEY,
    version text NOT NULL,
    events integer NOT NULL CHECK (events >= 0),
    digest text NOT NULL,
    lines text NOT NULL
);
COMMENT ON TABLE funding_day IS 'Days that can gain no event any more, as infra/finance/days.py keeps them';
COMMENT ON COLUMN funding_day.version IS 'Of the ledger and the form that the lines are in';
COMMENT ON COLUMN funding_day.lines IS 'What the digest is over: each line ends with a line feed';
REVOKE ALL ON funding_day FROM quartier_app, PUBLIC;
GRANT SELECT, INSERT, UPDATE ON funding_day TO quartier_app;
