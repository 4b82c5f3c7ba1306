-- Replaces 0004_identities, which locked `products` for as long as it read all of it. Databases that ran it run this one too.
-- A category is its whole name, without case, width and repeated spaces; signs, accents and vowel marks count. Slugs are derived and
-- unique as before.
CREATE OR REPLACE FUNCTION category_identity(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(normalize(btrim(regexp_replace(name, '\s+', ' ', 'g')), NFKC) COLLATE "und-x-icu")
$$;

-- A SKU is compared as search compares it: without case, width, accents, kinds of dash, repeated spaces and what is invisible, with ß as ss
-- and one sigma.
CREATE OR REPLACE FUNCTION sku_identity(sku text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(regexp_replace(
        translate(
            replace(lower(normalize(sku, NFKD) COLLATE "und-x-icu"), 'ß', 'ss'),
            E'\u03c2\u2010\u2011\u2012\u2013\u2014\u2015\u2212', E'\u03c3-------'
        ),
        '[\u0300-\u036f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]', '', 'g'
    ), '\s+', ' ', 'g'))
$$;

-- Products that are there already are kept: of those with one identity, all but the oldest are `sku_shared`, until their SKU changes.
ALTER TABLE products ADD COLUMN IF NOT EXISTS sku_shared boolean NOT NULL DEFAULT false;

-- Marks them with a commit after every 1,000. Can be repeated. Replicas that compare SKUs as written may add more while this runs, so it
-- ends with a pass that finds none. A pass skips products that a transaction has locked; the next pass takes them.
CREATE OR REPLACE PROCEDURE mark_shared_skus() LANGUAGE plpgsql AS $$
DECLARE
    found_any boolean;
    shared record;
    marked integer;
    started timestamptz;
BEGIN
    LOOP
        found_any := false;
        marked := 0;
        started := clock_timestamp();
        FOR shared IN
            SELECT id, sku, first_id, first_sku FROM (
                SELECT id, sku, sku_shared, first_value(id) OVER same AS first_id, first_value(sku) OVER same AS first_sku
                FROM products WHERE delete_time IS NULL AND sku IS NOT NULL
                WINDOW same AS (PARTITION BY sku_identity(sku) ORDER BY sku_shared, create_time, id)
            ) AS placed
            WHERE id <> first_id AND NOT sku_shared
        LOOP
            found_any := true;
            UPDATE products SET sku_shared = true WHERE id = (
                SELECT id FROM products WHERE id = shared.id AND sku = shared.sku AND delete_time IS NULL FOR NO KEY UPDATE SKIP LOCKED
            );
            CONTINUE WHEN NOT FOUND;
            RAISE WARNING 'product % has the sku "%" like product % with "%": give one of them another',
                shared.id, shared.sku, shared.first_id, shared.first_sku;
            marked := marked + 1;
            IF marked % 1000 = 0 THEN
                COMMIT;
                -- Half of the time is left to others.
                PERFORM pg_sleep(extract(epoch FROM clock_timestamp() - started));
                started := clock_timestamp();
            END IF;
        END LOOP;
        COMMIT;
        EXIT WHEN NOT found_any;
        PERFORM pg_sleep(extract(epoch FROM clock_timestamp() - started));
    END LOOP;
END $$;
