-- Who learns what, with whom, when, and how far they are.

CREATE TABLE classes (
    id          uuid PRIMARY KEY,
    source_id   text UNIQUE,
    course_id   uuid REFERENCES courses,
    title       text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    kind        text NOT NULL CHECK (kind IN ('live', 'on_demand')),
    school_id   uuid REFERENCES schools,
    term_id     uuid REFERENCES terms,
    coach_id    uuid REFERENCES users,
    grade       text NOT NULL DEFAULT '' CHECK (length(grade) <= 20),
    starts_on   date NOT NULL,
    ends_on     date NOT NULL,
    meets       text NOT NULL DEFAULT '' CHECK (length(meets) <= 200),        -- 'Mondays and Wednesdays, 4:00 to 5:00 pm'
    weekly      jsonb NOT NULL DEFAULT '[]',                -- [{"weekday": 1, "at": "16:00", "minutes": 60}], 0 is Sunday, in the tenant's zone
    meeting_url text NOT NULL DEFAULT '' CHECK (length(meeting_url) <= 500),
    seats       integer NOT NULL CHECK (seats BETWEEN 1 AND 100000),
    taken       integer NOT NULL DEFAULT 0,
    open        boolean NOT NULL DEFAULT true,              -- learners may register themselves
    state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'cancelled', 'ended')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT classes_dates CHECK (ends_on >= starts_on),
    CONSTRAINT classes_seats CHECK (taken BETWEEN 0 AND seats)                -- the last fence against one learner too many
) WITH (fillfactor = 85);                                   -- taken changes often: room for the new version beside the old
CREATE INDEX classes_to_choose ON classes (title, id) WHERE state = 'active';
CREATE INDEX classes_by_coach ON classes (coach_id, title, id);
CREATE INDEX classes_by_course ON classes (course_id);
CREATE INDEX classes_by_school ON classes (school_id, title, id);

CREATE TABLE enrolments (
    class_id    uuid NOT NULL REFERENCES classes,
    learner_id  uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    source_id   text UNIQUE,
    state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'left')),
    enrolled_at timestamptz NOT NULL DEFAULT now(),
    left_at     timestamptz,
    PRIMARY KEY (class_id, learner_id)
);
CREATE INDEX enrolments_by_learner ON enrolments (learner_id, class_id) WHERE state = 'active';

-- A learner's work in one course lies together under the key. No changing column is in an index and the pages keep
-- room, so that the report of progress, the most frequent write of all, touches the row alone.
CREATE TABLE lesson_progress (
    learner_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    course_id    uuid NOT NULL REFERENCES courses,
    lesson_id    uuid NOT NULL REFERENCES lessons,
    percent      smallint NOT NULL CHECK (percent BETWEEN 0 AND 100),
    seconds      integer NOT NULL DEFAULT 0 CHECK (seconds >= 0),
    counter      bigint NOT NULL DEFAULT 0,                 -- the client's: an older report never undoes a newer one
    started_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    PRIMARY KEY (learner_id, course_id, lesson_id)
) WITH (fillfactor = 80);
