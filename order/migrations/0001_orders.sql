-- Orders. `total`, `refunded` and prices are minor units of `currency`. caller_id and request_id are the idempotency key: the caller may be
-- an ADMIN who orders for another account.
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    caller_id uuid NOT NULL,
    request_id text NOT NULL,
    input_hash bytea NOT NULL,
    currency text NOT NULL,
    total bigint NOT NULL CHECK (total > 0),
    refunded bigint NOT NULL CHECK (refunded BETWEEN 0 AND total),
    status text NOT NULL CHECK (status IN ('PENDING', 'CONFIRMED', 'SHIPPED', 'DELIVERED', 'CANCELLED')),
    cancel_reason text,
    status_reason text NOT NULL,
    shipping_address jsonb,
    version integer NOT NULL,
    deadline timestamptz NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    UNIQUE (caller_id, request_id),
    CHECK ((status = 'CANCELLED') = (cancel_reason IS NOT NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX orders_of_account ON orders (account_id, create_time DESC, id DESC);
CREATE INDEX orders_newest ON orders (create_time DESC, id DESC);
-- For the limits of an account, and for the sweep.
CREATE INDEX orders_pending ON orders (account_id) WHERE status = 'PENDING';
CREATE INDEX orders_failed ON orders (account_id, update_time) WHERE cancel_reason = 'PAYMENT_FAILED';
CREATE INDEX orders_overdue ON orders (deadline) WHERE status = 'PENDING';

CREATE TABLE order_lines (
    order_id uuid NOT NULL REFERENCES orders,
    position integer NOT NULL,
    product_id uuid NOT NULL,
    name text NOT NULL,
    unit_price bigint NOT NULL CHECK (unit_price > 0),
    quantity integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, position)
);

CREATE TABLE order_status_changes (
    order_id uuid NOT NULL REFERENCES orders,
    position integer NOT NULL,
    status text NOT NULL,
    time timestamptz NOT NULL,
    note text NOT NULL,
    internal_note text NOT NULL,
    PRIMARY KEY (order_id, position)
);
