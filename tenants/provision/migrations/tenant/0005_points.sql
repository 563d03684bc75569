-- Points earned, and the standings that follow from them.

CREATE TABLE point_entries (
    learner_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    rule       text NOT NULL,                               -- 'lesson.completed', 'test.passed' ...
    ref        text NOT NULL,                               -- what it was earned for: the same thing earns once
    points     integer NOT NULL CHECK (points BETWEEN -10000 AND 10000),
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (learner_id, rule, ref)
);

-- No index holds updated_at, but each holds points: the price of a rank that is one count in an index.
CREATE TABLE point_totals (
    period     text NOT NULL,                               -- 'all', or a month as '2026-11'
    learner_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    school_id  uuid,                                        -- the learner's, when the last points were earned
    points     integer NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (period, learner_id)
);
CREATE INDEX point_totals_standing ON point_totals (period, points, learner_id);
CREATE INDEX point_totals_school ON point_totals (period, school_id, points, learner_id);

-- Whom a leaderboard leaves out: few, so that they are quickly told from the others.
CREATE INDEX users_off_leaderboard ON users (id) WHERE NOT on_leaderboard OR state <> 'active';
