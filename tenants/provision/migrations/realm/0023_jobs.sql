-- Jobs whose effect is stored: the row goes with the effect, in its transaction, so that a job which is run again after its process died
-- finds what it has done.
CREATE TABLE jobs_done (
    job     bigint PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX jobs_done_by_age ON jobs_done (done_at);
