-- Payments, one for each order. Amounts are minor units of `currency`. due_time is when the worker looks at the row next: a lease while one does.
CREATE TABLE payments (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL UNIQUE,
    account_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    payment_method text NOT NULL,
    pay_before timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    order_cancelled boolean NOT NULL,
    provider_id text NOT NULL,
    confirmed boolean NOT NULL,
    provider_failures integer NOT NULL,
    failure_code text NOT NULL,
    next_action_url text NOT NULL,
    attempts integer NOT NULL,
    due_time timestamptz,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX payments_due ON payments (due_time) WHERE due_time IS NOT NULL;
CREATE INDEX payments_of_provider ON payments (provider_id) WHERE provider_id <> '';

CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payments,
    amount bigint NOT NULL CHECK (amount > 0),
    reason text NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED')),
    provider_id text NOT NULL,
    provider_failures integer NOT NULL,
    attempts integer NOT NULL,
    due_time timestamptz,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);
CREATE INDEX refunds_of_payment ON refunds (payment_id);
CREATE INDEX refunds_due ON refunds (due_time) WHERE due_time IS NOT NULL;

-- Double entry: each charge and each refund is two rows that sum to zero. `entry` is what was booked, so nothing is booked twice.
CREATE TABLE ledger (
    entry uuid NOT NULL,
    account text NOT NULL CHECK (account IN ('provider', 'customer')),
    payment_id uuid NOT NULL REFERENCES payments,
    amount bigint NOT NULL,
    currency text NOT NULL,
    time timestamptz NOT NULL,
    PRIMARY KEY (entry, account)
);
