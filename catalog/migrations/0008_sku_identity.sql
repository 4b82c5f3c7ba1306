-- As the search compares SKUs: also without kinds of dash and repeated spaces, with ß as ss and one sigma.
DROP INDEX products_sku;
DROP INDEX products_sku_shared;
CREATE OR REPLACE FUNCTION sku_identity(sku text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(regexp_replace(
        translate(
            replace(lower(normalize(sku, NFKD) COLLATE "und-x-icu"), 'ß', 'ss'),
            E'\u03c2\u2010\u2011\u2012\u2013\u2014\u2015\u2212', E'\u03c3-------'
        ),
        '[\u0300-\u036f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]', '', 'g'
    ), '\s+', ' ', 'g'))
$$;

-- Of products with the same identity now, all but the oldest are `sku_shared`, until their sku changes (0004).
DO $$
DECLARE
    found record;
    other record;
BEGIN
    FOR found IN
        UPDATE products SET sku_shared = true FROM (
            SELECT id, row_number() OVER (PARTITION BY sku_identity(sku) ORDER BY sku_shared, create_time, id) AS place
            FROM products WHERE delete_time IS NULL AND sku IS NOT NULL
        ) AS placed
        WHERE placed.id = products.id AND placed.place > 1 AND NOT sku_shared
        RETURNING products.id, products.sku
    LOOP
        SELECT id, sku INTO other FROM products
        WHERE sku_identity(sku) = sku_identity(found.sku) AND delete_time IS NULL AND NOT sku_shared;
        RAISE WARNING 'product % has the sku "%" like product % with "%": give one of them another', found.id, found.sku, other.id, other.sku;
    END LOOP;
END
$$;
CREATE UNIQUE INDEX products_sku ON products (sku_identity(sku)) WHERE delete_time IS NULL AND NOT sku_shared;
CREATE INDEX products_sku_shared ON products (sku_identity(sku)) WHERE delete_time IS NULL AND sku_shared;
