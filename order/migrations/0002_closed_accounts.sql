-- Accounts that are gone: an order that a last token of theirs still placed is cancelled when it is found.
CREATE TABLE closed_accounts (
    account_id uuid PRIMARY KEY,
    close_time timestamptz NOT NULL
);

CREATE INDEX closed_accounts_newest ON closed_accounts (close_time);
