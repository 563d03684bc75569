-- What the report of an import tells and its rows do not: an import that is gone on with, after its process died, has it from here. Lines that were taken although
-- something that they name is not known, by what: the first of them and how many; and how many problems were told, of which some are kept.
ALTER TABLE imports ADD COLUMN warned jsonb NOT NULL DEFAULT '{}', ADD COLUMN problems integer NOT NULL DEFAULT 0;
