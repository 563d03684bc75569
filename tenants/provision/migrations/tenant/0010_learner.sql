-- What learners see of themselves, and others of them: the leaderboard is a choice, and points for a lesson take reading it.

-- Who turns a learner's place on leaderboards on.
ALTER TABLE branding ADD COLUMN leaderboard_by text NOT NULL DEFAULT 'learner' CHECK (leaderboard_by IN ('learner', 'guardian'));

-- Off until somebody chooses it, also for those who were put on it without being asked.
ALTER TABLE users ALTER COLUMN on_leaderboard SET DEFAULT false;
UPDATE users SET on_leaderboard = false WHERE on_leaderboard AND id::text NOT IN (
    SELECT object_id FROM audit_entries WHERE action = 'leaderboard.listed' AND outcome = 'done' AND after ->> 'listed' = 'true');

-- Those who take part are the few now.
DROP INDEX users_off_leaderboard;
CREATE INDEX users_on_leaderboard ON users (id) WHERE on_leaderboard AND state = 'active';

ALTER TABLE lesson_progress
    ADD COLUMN opened_at    timestamptz,                    -- when the sitting under way began; null: with started_at
    ADD COLUMN read_seconds integer NOT NULL DEFAULT 0 CHECK (read_seconds >= 0); -- of sittings before, by the server's clock
