-- Passwords that are being compared now. Each holds a place in its buckets (login_attempts) until it is known whether it was right, or
-- until `expire_time`, when the process that compares it must have died.
CREATE TABLE guesses (
    subject text NOT NULL,
    id text NOT NULL,
    expire_time timestamptz NOT NULL,
    PRIMARY KEY (subject, id)
);
CREATE INDEX guesses_of_id ON guesses (id);
CREATE INDEX guesses_expired ON guesses (expire_time);

-- Devices that signed in before, by the SHA-256 of their token.
CREATE TABLE devices (
    hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts,
    create_time timestamptz NOT NULL,
    use_time timestamptz NOT NULL
);
CREATE INDEX devices_of_account ON devices (account_id, use_time DESC);
CREATE INDEX devices_used ON devices (use_time);
