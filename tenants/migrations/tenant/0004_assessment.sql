-- Attempts at tests, every response as it arrived, and what came of it.

CREATE TABLE attempts (
    id           uuid PRIMARY KEY,
    test_id      uuid NOT NULL REFERENCES tests,
    course_id    uuid NOT NULL REFERENCES courses,
    learner_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    school_id    uuid,
    number       integer NOT NULL,
    state        text NOT NULL CHECK (state IN ('open', 'submitted', 'marking', 'marked')),
    seed         bigint NOT NULL,
    paper        uuid[] NOT NULL,                           -- the items, in the order shown
    started_at   timestamptz NOT NULL,
    deadline     timestamptz NOT NULL,
    submitted_at timestamptz,
    score        integer,                                   -- hundredths of a point
    max_score    integer,                                   -- hundredths of a point
    grade        text NOT NULL DEFAULT '',                  -- an estimate, by the test's boundaries
    result       jsonb,                                     -- per item and per section
    UNIQUE (test_id, learner_id, number)
);
CREATE UNIQUE INDEX attempts_one_open ON attempts (test_id, learner_id) WHERE state = 'open';
CREATE INDEX attempts_by_learner ON attempts (learner_id, started_at DESC, id);
CREATE INDEX attempts_overdue ON attempts (deadline) WHERE state = 'open';
CREATE INDEX attempts_submitted ON attempts (submitted_at, course_id, school_id) WHERE submitted_at IS NOT NULL;

-- Appended, never changed: the highest counter of a position is the answer that counts.
CREATE TABLE responses (
    attempt_id uuid NOT NULL REFERENCES attempts ON DELETE CASCADE,
    position   smallint NOT NULL CHECK (position >= 0),
    counter    bigint NOT NULL,
    response   jsonb NOT NULL,
    saved_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (attempt_id, position, counter)
);
REVOKE UPDATE, DELETE ON responses FROM {{login}};
