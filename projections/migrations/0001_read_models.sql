-- Read models: everything here is derived from the events and can be thrown away and made again.
--
-- A table `x_rows` holds the rows of every generation; the view `x` shows those that count. One
-- generation counts at a time; another one may be being built beside it (docs/adr/0008).

-- Numbers of generations are never used twice, whatever rows were deleted by hand.
CREATE SEQUENCE projection_generation AS integer;

CREATE TABLE projection_position (
    name text PRIMARY KEY,
    version smallint NOT NULL,
    generation integer NOT NULL DEFAULT nextval('projection_generation'),
    position bigint NOT NULL CHECK (position >= 0),
    moved_at timestamptz NOT NULL DEFAULT now(),
    stopped_at bigint,
    error text
) WITH (
    -- Updated with every batch: room on its page keeps each new version there, off the index.
    fillfactor = 10,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0
);
COMMENT ON TABLE projection_position IS 'How far each read model has followed the events';
COMMENT ON COLUMN projection_position.version IS 'Of its shape and meaning, as the program had it';
COMMENT ON COLUMN projection_position.generation IS 'Of the rows that count';
COMMENT ON COLUMN projection_position.stopped_at IS 'The event it cannot take in, if there is one';

-- --- Views: one document for each contract ---------------------------------------------------

CREATE TABLE view_document_rows (
    view text NOT NULL,
    generation integer NOT NULL,
    contract text NOT NULL,
    version integer NOT NULL,
    document json NOT NULL,
    PRIMARY KEY (view, generation, contract)
) WITH (fillfactor = 80);
COMMENT ON COLUMN view_document_rows.version IS 'Of the contract, which the document is up to';
COMMENT ON COLUMN view_document_rows.document IS 'Kept byte for byte: json, not jsonb';

CREATE VIEW view_document AS
SELECT d.view, d.contract, d.version, d.document
FROM view_document_rows AS d
JOIN projection_position AS p ON p.name = d.view AND p.generation = d.generation;

-- --- Register --------------------------------------------------------------------------------

CREATE TABLE register_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    title text NOT NULL,
    territory text NOT NULL,
    ground text,
    framework text NOT NULL,
    standing text NOT NULL,
    phase text NOT NULL,
    initiated_on date,
    launched_on date,
    closure_due date,
    ended_on date,
    west double precision,
    south double precision,
    east double precision,
    north double precision,
    plenaries integer NOT NULL,
    needs integer NOT NULL,
    actions integer NOT NULL,
    actions_approved integer NOT NULL,
    actions_completed integer NOT NULL,
    decisions integer NOT NULL,
    last_decided_on date,
    position bigint NOT NULL,
    PRIMARY KEY (generation, contract)
) WITH (fillfactor = 70);

CREATE TABLE register_perimeter_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    geometry json NOT NULL,
    PRIMARY KEY (generation, contract)
);

-- The words come without accents, so that the server needs no extension to search without them.
CREATE TABLE register_words_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    first jsonb NOT NULL,
    other jsonb NOT NULL,
    search tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('french', first), 'A')
        || setweight(to_tsvector('simple', first), 'A')
        || setweight(to_tsvector('french', other), 'B')
        || setweight(to_tsvector('simple', other), 'C')
    ) STORED,
    PRIMARY KEY (generation, contract)
);
CREATE INDEX register_words_search ON register_words_rows USING gin (search);

CREATE TABLE register_action_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    action text NOT NULL,
    approved boolean NOT NULL,
    PRIMARY KEY (generation, contract, action)
);

-- --- Calendar --------------------------------------------------------------------------------

CREATE TABLE calendar_day_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    occasion text NOT NULL,
    subject text NOT NULL,
    day date NOT NULL,
    state text NOT NULL,
    title text,
    position bigint NOT NULL,
    PRIMARY KEY (generation, contract, occasion, subject)
);
CREATE INDEX calendar_day_place ON calendar_day_rows
    (generation, day, contract, occasion, subject);

CREATE TABLE calendar_framework_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    framework text NOT NULL,
    launched_on date,
    shared boolean NOT NULL,
    PRIMARY KEY (generation, contract)
);

-- --- History index ---------------------------------------------------------------------------

CREATE TABLE history_index_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    position bigint NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    chapter text NOT NULL,
    body text NOT NULL,
    decided_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    subjects text[] NOT NULL,
    PRIMARY KEY (generation, contract, position)
);
CREATE INDEX history_index_position ON history_index_rows (generation, position);
CREATE INDEX history_index_subjects ON history_index_rows USING gin (subjects);

CREATE TABLE history_correction_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    position bigint NOT NULL,
    corrected_by bigint NOT NULL,
    PRIMARY KEY (generation, contract, position)
);

-- --- Ledger ----------------------------------------------------------------------------------

CREATE TABLE ledger_entry_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    position bigint NOT NULL,
    seq smallint NOT NULL,
    action text NOT NULL,
    route smallint NOT NULL,
    kind text NOT NULL,
    service text,
    year smallint NOT NULL,
    decided_on date NOT NULL,
    debit text NOT NULL,
    credit text NOT NULL CHECK (credit <> debit),
    amount numeric(18, 2) NOT NULL CHECK (amount > 0),
    reference text,
    PRIMARY KEY (generation, contract, position, seq)
);
CREATE INDEX ledger_entry_place ON ledger_entry_rows (generation, position, seq);

CREATE TABLE ledger_balance_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    action text NOT NULL,
    route smallint NOT NULL,
    kind text NOT NULL,
    service text,
    year smallint,
    origin numeric(18, 2) NOT NULL,
    requested numeric(18, 2) NOT NULL,
    voted numeric(18, 2) NOT NULL,
    available numeric(18, 2) NOT NULL,
    committed numeric(18, 2) NOT NULL,
    spent numeric(18, 2) NOT NULL,
    released numeric(18, 2) NOT NULL,
    refused numeric(18, 2) NOT NULL,
    PRIMARY KEY (generation, contract, action, route),
    CONSTRAINT ledger_balance_adds_up CHECK (
        origin + requested + voted + available + committed + spent + released + refused = 0
    )
);

CREATE TABLE ledger_carrier_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    action text NOT NULL,
    service text,
    assigned boolean NOT NULL,
    routes smallint NOT NULL,
    PRIMARY KEY (generation, contract, action)
);

-- --- Silences --------------------------------------------------------------------------------

CREATE TABLE silence_rows (
    generation integer NOT NULL,
    contract text NOT NULL,
    question text NOT NULL,
    subject text NOT NULL,
    body text,
    state text NOT NULL,
    since date NOT NULL,
    asked_at bigint NOT NULL,
    until date,
    answered_at bigint,
    PRIMARY KEY (generation, contract, question, subject)
);
CREATE INDEX silence_place ON silence_rows (generation, since, contract, question, subject);

-- --- The generation that counts --------------------------------------------------------------

DO $$
DECLARE
    relation text;
    projection text;
BEGIN
    FOR relation, projection IN VALUES
        ('register', 'register'), ('register_perimeter', 'register'),
        ('register_words', 'register'), ('register_action', 'register'),
        ('calendar_day', 'calendar'), ('calendar_framework', 'calendar'),
        ('history_index', 'history'), ('history_correction', 'history'),
        ('ledger_entry', 'ledger'), ('ledger_balance', 'ledger'), ('ledger_carrier', 'ledger'),
        ('silence', 'silences')
    LOOP
        EXECUTE format(
            'CREATE VIEW %I AS SELECT * FROM %I WHERE generation = '
            '(SELECT generation FROM projection_position WHERE name = %L)',
            relation, relation || '_rows', projection
        );
    END LOOP;
END
$$;

-- --- Grants ----------------------------------------------------------------------------------

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'quartier_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON
            projection_position, view_document_rows,
            register_rows, register_perimeter_rows, register_words_rows, register_action_rows,
            calendar_day_rows, calendar_framework_rows,
            history_index_rows, history_correction_rows,
            ledger_entry_rows, ledger_balance_rows, ledger_carrier_rows,
            silence_rows
        TO quartier_app;
        GRANT USAGE ON SEQUENCE projection_generation TO quartier_app;
        GRANT SELECT ON
            view_document, register, register_perimeter, register_words, register_action,
            calendar_day, calendar_framework, history_index, history_correction,
            ledger_entry, ledger_balance, ledger_carrier, silence
        TO quartier_app;
    END IF;
END
$$;
