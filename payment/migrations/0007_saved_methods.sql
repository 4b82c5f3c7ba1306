-- An account at the provider, made when it first saves a payment method. A deleted account keeps its row, without the provider's id, so that
-- nothing is saved for it later. due_time: the customer is to be deleted at the provider.
CREATE TABLE provider_customers (
    account_id uuid PRIMARY KEY,
    provider_id text NOT NULL,
    delete_time timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    due_time timestamptz,
    create_time timestamptz NOT NULL,
    CHECK (due_time IS NULL OR delete_time IS NOT NULL)
);
CREATE INDEX provider_customers_due ON provider_customers (due_time) WHERE due_time IS NOT NULL;

-- Payment methods that accounts saved. A PENDING one waits for its setup intent (provider_id) or its payment; a DELETING one for the provider.
CREATE TABLE saved_methods (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('PENDING', 'SAVED', 'DELETING')),
    provider_id text NOT NULL,
    payment_id uuid,
    method_id text NOT NULL,
    brand text NOT NULL,
    last4 text NOT NULL,
    exp_month integer NOT NULL,
    exp_year integer NOT NULL,
    is_default boolean NOT NULL,
    provider_failures integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    due_time timestamptz,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CHECK ((due_time IS NOT NULL) = (state <> 'SAVED')),
    CHECK (NOT is_default OR state = 'SAVED')
);
CREATE INDEX saved_methods_of_account ON saved_methods (account_id);
CREATE INDEX saved_methods_due ON saved_methods (due_time) WHERE due_time IS NOT NULL;
CREATE INDEX saved_methods_of_provider ON saved_methods (provider_id) WHERE provider_id <> '';
CREATE UNIQUE INDEX saved_methods_method ON saved_methods (method_id) WHERE method_id <> '';
CREATE UNIQUE INDEX saved_methods_default ON saved_methods (account_id) WHERE is_default;

ALTER TABLE payments ADD COLUMN save_method boolean NOT NULL DEFAULT false;
