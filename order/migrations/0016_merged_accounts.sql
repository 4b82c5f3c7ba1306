-- Guests that were merged into accounts: their rows belong to the account, also those that arrive later (ADR 0043).
CREATE TABLE merged_accounts (
    guest_id uuid PRIMARY KEY,
    into_id uuid NOT NULL,
    merge_time timestamptz NOT NULL
);
CREATE INDEX merged_accounts_newest ON merged_accounts (merge_time);
