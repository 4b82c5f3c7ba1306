-- transaction: none
-- Events of one actor on one subject. Each of the two may have many with others.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_of_actor_and_subject ON audit_events (actor_id, subject_id, time DESC, id DESC)
    WHERE actor_id IS NOT NULL AND subject_id IS NOT NULL;
-- An account's sessions, ended ones too: when the account is deleted, the tokens of all of them go.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sessions_by_account ON sessions (account_id);
DROP INDEX CONCURRENTLY IF EXISTS sessions_of_account;
-- What is too old.
CREATE INDEX CONCURRENTLY IF NOT EXISTS mailed_links_expired ON mailed_links (expire_time);
CREATE INDEX CONCURRENTLY IF NOT EXISTS login_attempts_by_window ON login_attempts (window_start);
