-- Guests that were merged into accounts: their rows belong to the account, also those that arrive later (ADR 0043).
CREATE TABLE merged_accounts (
    guest_id uuid PRIMARY KEY,
    into_id uuid NOT NULL,
    merge_time timestamptz NOT NULL
);
CREATE INDEX merged_accounts_newest ON merged_accounts (merge_time);

-- Of a guest: the token of the link to its orders, encrypted as in the event, and when it expires.
ALTER TABLE recipients
    ADD COLUMN guest boolean NOT NULL DEFAULT false,
    ADD COLUMN sealed_order_token bytea,
    ADD COLUMN order_token_expire_time timestamptz;
