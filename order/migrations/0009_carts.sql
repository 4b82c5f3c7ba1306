-- Carts hold no price but the one that was seen when a line was added, in minor units of the cart's currency; a cart without lines has the
-- currency ''. expire_time is when an OPEN cart expires and when another one is deleted. It is a whole day, and update_time has no index,
-- so that a change of a cart needs no index entry.
CREATE TABLE carts (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('OPEN', 'ORDERED', 'MERGED', 'EXPIRED')),
    currency text NOT NULL,
    version integer NOT NULL,
    has_contact boolean NOT NULL DEFAULT false,
    shipping_address jsonb,
    billing_address jsonb,
    shipping_method_id uuid,
    note text NOT NULL,
    order_id uuid,
    merged_into uuid,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    CHECK ((state = 'ORDERED') = (order_id IS NOT NULL)),
    CHECK ((state = 'MERGED') = (merged_into IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE UNIQUE INDEX carts_open ON carts (account_id) WHERE state = 'OPEN';
-- For merges, and for the deletion of an account.
CREATE INDEX carts_of_account ON carts (account_id);
CREATE INDEX carts_expiring ON carts (expire_time);

CREATE TABLE cart_lines (
    cart_id uuid NOT NULL REFERENCES carts ON DELETE CASCADE,
    variant_id uuid NOT NULL,
    id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
    seen_price bigint NOT NULL CHECK (seen_price > 0),
    create_time timestamptz NOT NULL,
    PRIMARY KEY (cart_id, variant_id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- The idempotency keys of additions.
CREATE TABLE cart_requests (
    account_id uuid NOT NULL,
    request_id text NOT NULL,
    input_hash bytea NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (account_id, request_id)
);

CREATE INDEX cart_requests_oldest ON cart_requests (create_time);
