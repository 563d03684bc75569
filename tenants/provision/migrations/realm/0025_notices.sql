-- Everybody has a list of what they were told, seen or not, the newest first; and what was seen long ago goes.
CREATE INDEX notices_of ON notices (user_id, id DESC);
CREATE INDEX notices_seen ON notices (seen_at) WHERE seen_at IS NOT NULL;
