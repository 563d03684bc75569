-- What can be learned: courses, their syllabus sections, lessons, items, tests, and further resources.

CREATE TABLE courses (
    id           uuid PRIMARY KEY,
    slug         text NOT NULL UNIQUE,                      -- the pack's name
    version      text NOT NULL,
    content_hash text NOT NULL,                             -- of the whole pack: the same again changes nothing
    title        text NOT NULL,
    subject      text NOT NULL,
    level        text NOT NULL,
    scheme       text NOT NULL,
    language     text NOT NULL,
    summary      text NOT NULL,
    licence      text NOT NULL,
    author       text NOT NULL,
    lessons      integer NOT NULL DEFAULT 0,                -- how many are active: for cards and lists
    minutes      integer NOT NULL DEFAULT 0,                -- of all active lessons together
    tests        integer NOT NULL DEFAULT 0,
    items        integer NOT NULL DEFAULT 0,
    published    boolean NOT NULL DEFAULT true,
    imported_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX courses_by_title ON courses (title, id) WHERE published;

CREATE TABLE course_sections (
    id        uuid PRIMARY KEY,
    course_id uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    code      text NOT NULL,
    title     text NOT NULL,
    position  integer NOT NULL,
    active    boolean NOT NULL DEFAULT true,                -- false: gone from the pack, kept for the records
    UNIQUE (course_id, code)
);

CREATE TABLE lessons (
    id           uuid PRIMARY KEY,
    course_id    uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    section_id   uuid NOT NULL REFERENCES course_sections ON DELETE CASCADE,
    slug         text NOT NULL,
    title        text NOT NULL,
    position     integer NOT NULL,                          -- in the course
    minutes      integer NOT NULL,
    markdown     text NOT NULL,
    html         text NOT NULL,                             -- rendered and sanitised at import
    content_hash text NOT NULL,
    active       boolean NOT NULL DEFAULT true,             -- false: gone from the pack, kept for the records
    UNIQUE (course_id, slug)
);
-- A course's outline comes from the index alone: the rows beside it carry whole lessons.
CREATE INDEX lessons_in_order ON lessons (course_id, position) INCLUDE (id, section_id, slug, title, minutes) WHERE active;

-- A row never changes but for active, under no attempt: new content, another section or category is a new row, and the
-- old one stays. So a process may keep an item for as long as it likes.
CREATE TABLE items (
    id           uuid PRIMARY KEY,
    course_id    uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    section_id   uuid NOT NULL REFERENCES course_sections ON DELETE CASCADE,
    name         text NOT NULL,                             -- the same over versions
    kind         text NOT NULL,
    category     text NOT NULL DEFAULT '',
    body         jsonb NOT NULL,
    content_hash text NOT NULL,                             -- of body, section and category
    active       boolean NOT NULL DEFAULT true,
    UNIQUE (course_id, name, content_hash)
);
CREATE UNIQUE INDEX items_current ON items (course_id, name) WHERE active;
CREATE INDEX items_in_section ON items (section_id) INCLUDE (id) WHERE active;

CREATE TABLE tests (
    id           uuid PRIMARY KEY,
    course_id    uuid NOT NULL REFERENCES courses ON DELETE CASCADE,
    slug         text NOT NULL,
    title        text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('practice', 'assessment')),
    minutes      integer NOT NULL CHECK (minutes BETWEEN 1 AND 600),
    instructions text NOT NULL DEFAULT '',                  -- rendered HTML
    attempts     integer NOT NULL DEFAULT 0,                -- 0: no limit
    feedback     text NOT NULL CHECK (feedback IN ('on_submit', 'after_window', 'score_only')),
    shuffle      boolean NOT NULL DEFAULT true,
    blueprint    jsonb NOT NULL,                            -- [{"section_id": ..., "code": ..., "items": n}] in order
    grades       jsonb NOT NULL DEFAULT '[]',               -- [{"grade": "I", "percent": 75}], an estimate
    items        integer NOT NULL,                          -- how many one attempt has
    opens_at     timestamptz,                               -- the tenant's: an import leaves them alone
    closes_at    timestamptz,
    position     integer NOT NULL DEFAULT 0,
    active       boolean NOT NULL DEFAULT true,
    UNIQUE (course_id, slug)
);

CREATE TABLE resources (
    id        uuid PRIMARY KEY,
    kind      text NOT NULL CHECK (kind IN ('animation', 'lab', 'video', 'document')),
    title     text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    subject   text NOT NULL DEFAULT '',
    course_id uuid REFERENCES courses ON DELETE CASCADE,
    section_id uuid REFERENCES course_sections ON DELETE CASCADE,
    minutes   integer NOT NULL DEFAULT 0,
    url       text NOT NULL DEFAULT '',
    active    boolean NOT NULL DEFAULT true,
    UNIQUE NULLS NOT DISTINCT (course_id, kind, title)
);
CREATE INDEX resources_by_kind ON resources (kind, title, id) WHERE active;
CREATE INDEX resources_by_subject ON resources (subject, title, id) WHERE active;
CREATE INDEX resources_by_title ON resources (title, id) WHERE active;
