-- Who may get into an account that its owner cannot get into.

-- An account whose password was taken away is not one that nobody has used: work and words may be behind it.
ALTER TABLE users ADD COLUMN had_password boolean NOT NULL DEFAULT false;   -- one was chosen before, and taken away since

UPDATE users SET had_password = true WHERE password_hash IS NULL
    AND id IN (SELECT user_id FROM sign_in_cards WHERE used_at IS NOT NULL OR purpose = 'reset');

-- A teacher who wants a new sign-in card for a learner with a password asks the learner's school first. On the platform
-- nobody has to ask, and it stays empty.
CREATE TABLE reset_requests (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    reason     text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    state      text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'approved', 'refused', 'used', 'lapsed')),
    asked_by   uuid NOT NULL,
    asked_at   timestamptz NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    answer     text NOT NULL DEFAULT '' CHECK (length(answer) <= 500),      -- why it was refused
    expires_at timestamptz NOT NULL                         -- of the question, then of the approval
);
CREATE UNIQUE INDEX reset_requests_open ON reset_requests (user_id) WHERE state IN ('asked', 'approved');
CREATE INDEX reset_requests_by_asker ON reset_requests (asked_by, id DESC);
