-- Address books. At most one address of an account is the default for shipping, and one for billing.
CREATE TABLE addresses (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts,
    name text NOT NULL,
    line1 text NOT NULL,
    line2 text NOT NULL,
    city text NOT NULL,
    region text NOT NULL,
    postal_code text NOT NULL,
    country_code text NOT NULL,
    default_shipping boolean NOT NULL,
    default_billing boolean NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);

CREATE INDEX addresses_of_account ON addresses (account_id, create_time, id);
CREATE UNIQUE INDEX addresses_default_shipping ON addresses (account_id) WHERE default_shipping;
CREATE UNIQUE INDEX addresses_default_billing ON addresses (account_id) WHERE default_billing;
