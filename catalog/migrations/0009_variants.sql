-- What is sold: a product has at least one variant, and the first has its product's uuid (ADR 0039). The `product_id` of `stock`,
-- `stock_adjustments`, `reservation_lines` and the queue of availability is the id of a variant.
CREATE TABLE variants (
    id uuid PRIMARY KEY,
    product_id uuid NOT NULL REFERENCES products,
    position integer NOT NULL,
    option_values text[] NOT NULL,
    option_key text NOT NULL,
    sku text,
    sku_shared boolean NOT NULL DEFAULT false,
    price bigint NOT NULL CHECK (price > 0),
    compare_at bigint CHECK (compare_at > price),
    weight_grams integer NOT NULL DEFAULT 0 CHECK (weight_grams >= 0),
    requires_shipping boolean NOT NULL DEFAULT true,
    max_per_order integer CHECK (max_per_order > 0),
    delete_time timestamptz,
    -- Checked at the end of a statement, in which variants may exchange their options or SKUs.
    CONSTRAINT variants_options EXCLUDE (product_id WITH =, option_key WITH =) WHERE (delete_time IS NULL) DEFERRABLE,
    CONSTRAINT variants_sku EXCLUDE (sku_identity(sku) WITH =) WHERE (sku IS NOT NULL AND delete_time IS NULL AND NOT sku_shared) DEFERRABLE
);
CREATE INDEX variants_sku_shared ON variants (sku_identity(sku)) WHERE delete_time IS NULL AND sku_shared;

-- `options`: [{"name": "Size", "values": ["S", "M"]}]. `price` is the price of the cheapest variant; `price_max` that of the most expensive one,
-- NULL without options.
ALTER TABLE products
    ADD COLUMN options jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN price_max bigint,
    ADD COLUMN tax_class text NOT NULL DEFAULT 'standard';

-- NULL on lines of earlier releases: no SKU was kept, and the product has the uuid of the variant. `options`: [["Size", "M"]], NULL for none.
ALTER TABLE reservation_lines
    ADD COLUMN parent_product_id uuid,
    ADD COLUMN sku text,
    ADD COLUMN options jsonb;

-- Each change of a price, in the order of `id`.
CREATE TABLE price_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    variant_id uuid NOT NULL,
    old_price bigint NOT NULL,
    new_price bigint NOT NULL,
    time timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX price_changes_of_variant ON price_changes (variant_id, id);

CREATE FUNCTION record_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO price_changes (variant_id, old_price, new_price) VALUES (NEW.id, OLD.price, NEW.price);
    RETURN NULL;
END
$$;
CREATE TRIGGER record_price_change AFTER UPDATE OF price ON variants
    FOR EACH ROW WHEN (OLD.price <> NEW.price) EXECUTE FUNCTION record_price_change();

-- The only writer of the price, SKU and deletion of a simple product's variant; also for replicas that do not know variants.
CREATE FUNCTION write_variant_of_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.options = '[]' THEN
        INSERT INTO variants AS v (id, product_id, position, option_values, option_key, sku, sku_shared, price, delete_time)
        VALUES (NEW.id, NEW.id, 0, '{}', '', NEW.sku, NEW.sku_shared, NEW.price, NEW.delete_time)
        ON CONFLICT (id) DO UPDATE SET sku = EXCLUDED.sku, sku_shared = EXCLUDED.sku_shared, price = EXCLUDED.price,
            compare_at = CASE WHEN v.compare_at > EXCLUDED.price THEN v.compare_at END, delete_time = EXCLUDED.delete_time
        WHERE (v.sku, v.sku_shared, v.price, v.delete_time)
            IS DISTINCT FROM (EXCLUDED.sku, EXCLUDED.sku_shared, EXCLUDED.price, EXCLUDED.delete_time);
    ELSIF NEW.delete_time IS NOT NULL THEN
        UPDATE variants SET delete_time = NEW.delete_time WHERE product_id = NEW.id AND delete_time IS NULL;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER write_variant_of_product AFTER INSERT OR UPDATE OF price, sku, sku_shared, delete_time ON products
    FOR EACH ROW EXECUTE FUNCTION write_variant_of_product();

-- Price and SKU of a product with options follow from its variants, whatever a replica that does not know variants writes.
CREATE FUNCTION derive_from_variants() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    low bigint;
    high bigint;
BEGIN
    SELECT min(price), max(price) INTO low, high FROM variants WHERE product_id = NEW.id AND delete_time IS NULL;
    NEW.price := coalesce(low, NEW.price);
    NEW.price_max := coalesce(high, NEW.price_max);
    NEW.sku := NULL;
    NEW.sku_shared := false;
    RETURN NEW;
END
$$;
CREATE TRIGGER derive_from_variants BEFORE UPDATE ON products
    FOR EACH ROW WHEN (NEW.options <> '[]' AND NEW.delete_time IS NULL) EXECUTE FUNCTION derive_from_variants();

-- Gives each product that is there already its variant, in batches with a commit each. Can be repeated. The lock keeps a batch and a
-- writer of one of its products from waiting for each other.
CREATE PROCEDURE fill_variants() LANGUAGE plpgsql AS $$
DECLARE
    after uuid := '00000000-0000-0000-0000-000000000000';
    last uuid;
BEGIN
    LOOP
        WITH batch AS MATERIALIZED (
            SELECT id, sku, sku_shared, price, delete_time FROM products WHERE id > after ORDER BY id LIMIT 2000 FOR KEY SHARE
        ), written AS (
            INSERT INTO variants (id, product_id, position, option_values, option_key, sku, sku_shared, price, delete_time)
            SELECT id, id, 0, '{}', '', sku, sku_shared, price, delete_time FROM batch ON CONFLICT (id) DO NOTHING
        )
        SELECT id INTO last FROM batch ORDER BY id DESC LIMIT 1;
        EXIT WHEN last IS NULL;
        after := last;
        last := NULL;
        COMMIT;
    END LOOP;
END
$$;
