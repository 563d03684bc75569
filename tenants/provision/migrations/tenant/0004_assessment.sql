-- Attempts at tests, every response as it arrived, and what came of it.

CREATE TABLE attempts (
    id           uuid PRIMARY KEY,
    test_id      uuid NOT NULL REFERENCES tests,
    course_id    uuid NOT NULL REFERENCES courses,
    learner_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    school_id    uuid,                                      -- the learner's at the start
    number       integer NOT NULL,
    state        text NOT NULL CHECK (state IN ('open', 'marking', 'marked')),  -- marking: a person must read some of it
    seed         bigint NOT NULL,                           -- orders the choices; 0: as the author wrote them
    paper        uuid[] NOT NULL,                           -- the items, in the order shown
    started_at   timestamptz NOT NULL,
    deadline     timestamptz NOT NULL,
    submitted_at timestamptz,
    by_platform  boolean NOT NULL DEFAULT false,            -- the time ran out: handed in with what was saved
    score        integer,                                   -- hundredths of a point
    max_score    integer,                                   -- hundredths of a point
    grade        text NOT NULL DEFAULT '',                  -- an estimate, by the test's boundaries
    result       jsonb,                                     -- per item and per section
    UNIQUE (test_id, learner_id, number)
);
CREATE UNIQUE INDEX attempts_one_open ON attempts (test_id, learner_id) WHERE state = 'open';
CREATE INDEX attempts_by_learner ON attempts (learner_id, started_at DESC, id DESC);
CREATE INDEX attempts_overdue ON attempts (deadline) WHERE state = 'open';
CREATE INDEX attempts_to_mark ON attempts (submitted_at, id) WHERE state = 'marking';
-- Figures over a period come from the index alone: the rows beside it carry whole papers and results.
CREATE INDEX attempts_submitted ON attempts (submitted_at) INCLUDE (course_id, school_id, learner_id, state, score, max_score)
    WHERE submitted_at IS NOT NULL;

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
