-- The token for which this one was given: tokens of a session form a tree.
ALTER TABLE refresh_tokens ADD COLUMN parent bytea;
CREATE INDEX refresh_tokens_of_parent ON refresh_tokens (parent) WHERE parent IS NOT NULL;
CREATE INDEX sessions_expired ON sessions (expire_time);
CREATE INDEX sessions_ended ON sessions (end_time) WHERE end_time IS NOT NULL;

-- Links that were mailed. The token itself is never stored; `hash` is its SHA-256. A used one is deleted.
CREATE TABLE mailed_links (
    hash bytea PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('PASSWORD_RESET', 'EMAIL_VERIFICATION')),
    account_id uuid NOT NULL REFERENCES accounts,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL
);
CREATE INDEX mailed_links_of_account ON mailed_links (account_id, purpose);

-- `subject_kind` is the prefix of the subject's id.
ALTER TABLE audit_events ADD COLUMN session_id uuid, ADD COLUMN subject_kind text NOT NULL DEFAULT 'acc';
DROP INDEX audit_events_of_subject;
CREATE INDEX audit_events_of_subject ON audit_events (subject_id, time DESC, id DESC) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_events_of_actor ON audit_events (actor_id, time DESC, id DESC) WHERE actor_id IS NOT NULL;

CREATE INDEX accounts_newest ON accounts (create_time DESC, id DESC) WHERE delete_time IS NULL;
CREATE INDEX accounts_admins ON accounts (id) WHERE role = 'ADMIN' AND delete_time IS NULL;
-- Words of name, address and phone; an address is no word but several.
CREATE INDEX accounts_words ON accounts USING gin (
    to_tsvector('simple', name || ' ' || translate(email, '@.+-_/', '      ') || ' ' || translate(phone, '+', ' '))
) WHERE delete_time IS NULL;

-- A deleted account's earlier facts are taken from the outbox.
CREATE INDEX outbox_of_key ON outbox (key);
