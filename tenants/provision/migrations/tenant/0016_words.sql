-- Each word of a class's title is found by its beginning, as of a school's name: a country has thousands of classes.
ALTER TABLE classes ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', regexp_replace(title, '[^[:alnum:]]+', ' ', 'g'))) STORED;
CREATE INDEX classes_by_word ON classes USING gin (words) WITH (fastupdate = off);
