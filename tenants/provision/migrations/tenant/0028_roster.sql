-- Rosters that people bring in their browser or by the API. A run is one upload: it is looked through first, which changes nothing, and imported when somebody
-- says so (domain/roster). Its file is removed once it is imported, and after a week in any case; its report stays for 90 days.
CREATE TABLE roster_runs (
    id         uuid PRIMARY KEY,                     -- UUIDv7, so in the order of time
    state      text NOT NULL CHECK (state IN ('waiting', 'checking', 'checked', 'importing', 'done', 'failed', 'discarded')),
    school_id  uuid REFERENCES schools,              -- rows of other schools are refused; null: of the whole tenant
    file_id    uuid REFERENCES files ON DELETE SET NULL, -- an archive of all that was sent; null: it was removed
    file_names text NOT NULL CHECK (char_length(file_names) BETWEEN 1 AND 500), -- what was sent, as people read it
    created_by uuid NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL,
    checked_at timestamptz,                          -- when it was looked through
    started_by uuid REFERENCES users,                -- who said last that it is to be imported; null: nobody yet
    started_at timestamptz,
    begun_at   timestamptz,                          -- when a job took up what the state says; null: it waits for its turn
    ended_at   timestamptz,                          -- when it was imported, or failed
    refused    integer NOT NULL DEFAULT 0 CHECK (refused >= 0), -- rows, as the report has it
    report     jsonb,                                -- of the import, before that of the look through it; its problems are in roster_problems
    fault      text NOT NULL DEFAULT ''              -- why it failed, in words for people
);
-- A tenant imports one roster at a time.
CREATE UNIQUE INDEX roster_runs_importing ON roster_runs ((true)) WHERE state = 'importing';
CREATE INDEX roster_runs_by_school ON roster_runs (school_id, id);
CREATE INDEX roster_runs_by_file ON roster_runs (file_id) WHERE file_id IS NOT NULL;

-- What is wrong with rows, by the place of their file in the report.
CREATE TABLE roster_problems (
    run_id uuid NOT NULL REFERENCES roster_runs ON DELETE CASCADE,
    file   smallint NOT NULL,
    line   integer NOT NULL,
    field  text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (run_id, file, line, field)
);

-- The accounts that a run made, whose sign-in cards are to be printed.
CREATE TABLE roster_accounts (
    run_id  uuid NOT NULL REFERENCES roster_runs ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (run_id, user_id)
);
CREATE INDEX roster_accounts_by_user ON roster_accounts (user_id);

-- Of which run the import of a file is, and what became of the file when it came to its end: a job that is begun again goes on behind it.
ALTER TABLE imports ADD COLUMN run_id uuid REFERENCES roster_runs ON DELETE SET NULL, ADD COLUMN report jsonb;
CREATE INDEX imports_by_run ON imports (run_id) WHERE run_id IS NOT NULL;
