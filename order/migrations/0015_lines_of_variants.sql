-- `product_id` is what was sold: the id of a variant. `parent_product_id` is its product; NULL on lines of earlier releases, where both have
-- the same UUID. `options`: [["Size", "M"]], NULL without options.
ALTER TABLE order_lines
    ADD COLUMN parent_product_id uuid,
    ADD COLUMN sku text,
    ADD COLUMN options jsonb;
