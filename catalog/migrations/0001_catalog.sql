-- Products. Prices are minor units of `currency`; a deleted product stays, for the orders that name it.
CREATE TABLE categories (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL
);

CREATE TABLE products (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    price bigint NOT NULL CHECK (price > 0),
    currency text NOT NULL,
    sku text,
    category_id uuid REFERENCES categories,
    image_urls text[] NOT NULL,
    version integer NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz
);

CREATE UNIQUE INDEX products_sku ON products (sku) WHERE delete_time IS NULL;
CREATE INDEX products_newest ON products (create_time DESC, id DESC) WHERE delete_time IS NULL;
CREATE INDEX products_of_category ON products (category_id) WHERE delete_time IS NULL;

-- What can be sold now of a tracked product; an untracked one has no row. Narrow and half empty, so that its updates stay on their page.
CREATE TABLE stock (
    product_id uuid PRIMARY KEY REFERENCES products,
    free bigint NOT NULL CHECK (free >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Why there is as much stock as there is: with what was sold, these add up to it.
CREATE TABLE stock_adjustments (
    id uuid PRIMARY KEY,
    product_id uuid NOT NULL REFERENCES products,
    delta bigint NOT NULL,
    reason text NOT NULL,
    actor_id uuid NOT NULL,
    create_time timestamptz NOT NULL
);
CREATE INDEX stock_adjustments_of_product ON stock_adjustments (product_id);

-- What orders have taken. `taken` is 0 where the product was not tracked when it was reserved.
CREATE TABLE reservations (
    order_id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('HELD', 'COMMITTED', 'RELEASED', 'RETURNED')),
    input_hash bytea NOT NULL,
    currency text NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX reservations_held ON reservations (expire_time) WHERE state = 'HELD';

CREATE TABLE reservation_lines (
    order_id uuid NOT NULL REFERENCES reservations,
    position integer NOT NULL,
    product_id uuid NOT NULL,
    name text NOT NULL,
    unit_price bigint NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    taken bigint NOT NULL CHECK (taken IN (0, quantity)),
    PRIMARY KEY (order_id, position)
);

-- Products that ran out or came back, until a sweep tells it: one fact for a product a second, however often it flips.
CREATE TABLE availability_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id uuid NOT NULL
);
