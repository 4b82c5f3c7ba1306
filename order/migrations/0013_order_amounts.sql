-- What an order's total is made of. Rows of earlier releases, and rows that their replicas still write, have no subtotal and no line total:
-- they are the sums of unit prices. A position of -1 is shipping.
ALTER TABLE orders
    ADD COLUMN subtotal bigint,
    ADD COLUMN discount bigint NOT NULL DEFAULT 0,
    ADD COLUMN tax bigint NOT NULL DEFAULT 0,
    ADD COLUMN tax_included boolean NOT NULL DEFAULT false,
    ADD COLUMN shipping jsonb,
    ADD COLUMN shipping_total bigint NOT NULL DEFAULT 0,
    ADD COLUMN shipping_required boolean NOT NULL DEFAULT false,
    ADD COLUMN billing_address jsonb;
-- A discount may leave a total of zero.
ALTER TABLE orders DROP CONSTRAINT orders_total_check;
ALTER TABLE orders
    ADD CONSTRAINT orders_total_positive CHECK (total >= 0) NOT VALID,
    ADD CONSTRAINT orders_amounts CHECK (discount >= 0 AND tax >= 0 AND shipping_total BETWEEN 0 AND total) NOT VALID,
    ADD CONSTRAINT orders_shipping_required CHECK (shipping IS NOT NULL OR NOT shipping_required) NOT VALID;

ALTER TABLE order_lines
    ADD COLUMN discount bigint NOT NULL DEFAULT 0,
    ADD COLUMN tax bigint NOT NULL DEFAULT 0,
    ADD COLUMN total bigint;
ALTER TABLE order_lines
    ADD CONSTRAINT order_lines_amounts CHECK (discount BETWEEN 0 AND unit_price * quantity AND tax >= 0 AND total >= 0) NOT VALID;

CREATE TABLE order_taxes (
    order_id uuid NOT NULL REFERENCES orders,
    position integer NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    country text NOT NULL,
    region text NOT NULL,
    ppm integer NOT NULL,
    taxable bigint NOT NULL CHECK (taxable >= 0),
    amount bigint NOT NULL CHECK (amount >= 0),
    reason text NOT NULL,
    PRIMARY KEY (order_id, position, number)
);

CREATE TABLE order_discounts (
    order_id uuid NOT NULL REFERENCES orders,
    position integer NOT NULL,
    number integer NOT NULL,
    promotion_id uuid,
    code text NOT NULL,
    name text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    PRIMARY KEY (order_id, position, number)
);
