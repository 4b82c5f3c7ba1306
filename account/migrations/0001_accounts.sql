CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    role text NOT NULL CHECK (role IN ('USER', 'ADMIN')),
    email_verified boolean NOT NULL,
    password_hash text NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz
);

-- A deleted account's address may register again.
CREATE UNIQUE INDEX accounts_email_of_living ON accounts (email) WHERE delete_time IS NULL;

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    end_time timestamptz
);

CREATE INDEX sessions_of_account ON sessions (account_id) WHERE end_time IS NULL;

-- The token itself is never stored; `hash` is its SHA-256.
CREATE TABLE refresh_tokens (
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    use_time timestamptz
);

CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- `subject` is a digest of an email or of a network address.
CREATE TABLE login_attempts (
    subject text PRIMARY KEY,
    attempts integer NOT NULL,
    window_start timestamptz NOT NULL
);

CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    time timestamptz NOT NULL,
    action text NOT NULL,
    actor_id uuid,
    subject_id uuid,
    address text NOT NULL,
    detail text NOT NULL
);

CREATE INDEX audit_events_newest ON audit_events (time DESC, id DESC);
CREATE INDEX audit_events_of_subject ON audit_events (subject_id, time DESC);
