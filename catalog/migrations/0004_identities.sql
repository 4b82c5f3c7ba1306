-- A category is its whole name, without case, width and repeated spaces; signs, accents and vowel marks count. Slugs are derived and
-- unique as before.
CREATE FUNCTION category_identity(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(normalize(btrim(regexp_replace(name, '\s+', ' ', 'g')), NFKC) COLLATE "und-x-icu")
$$;
CREATE UNIQUE INDEX categories_identity ON categories (category_identity(name));

-- A sku is compared as search compares it: without case, width, accents and what is invisible.
CREATE FUNCTION sku_identity(sku text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(
        lower(normalize(sku, NFKD) COLLATE "und-x-icu"),
        '[\u0300-\u036f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]', '', 'g'
    ))
$$;

-- Rows that are there already are kept: of those with one identity, all but the oldest are `sku_shared`, until their sku changes.
ALTER TABLE products ADD COLUMN sku_shared boolean NOT NULL DEFAULT false;
UPDATE products SET sku_shared = true FROM (
    SELECT id, row_number() OVER (PARTITION BY sku_identity(sku) ORDER BY create_time, id) AS place
    FROM products WHERE delete_time IS NULL AND sku IS NOT NULL
) AS placed
WHERE placed.id = products.id AND placed.place > 1;

-- Under the name of the index before, which replicas of the version before understand.
DROP INDEX products_sku;
CREATE UNIQUE INDEX products_sku ON products (sku_identity(sku)) WHERE delete_time IS NULL AND NOT sku_shared;
CREATE INDEX products_sku_shared ON products (sku_identity(sku)) WHERE delete_time IS NULL AND sku_shared;

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT s.id, s.sku, o.id AS other_id, o.sku AS other_sku
        FROM products s JOIN products o ON sku_identity(o.sku) = sku_identity(s.sku)
        WHERE s.sku_shared AND s.delete_time IS NULL AND o.delete_time IS NULL AND NOT o.sku_shared
        ORDER BY s.create_time, s.id
    LOOP
        RAISE WARNING 'product % has the sku "%" like product % with "%": give one of them another', found.id, found.sku, found.other_id, found.other_sku;
    END LOOP;
    FOR found IN
        SELECT 'product' AS kind, id, name FROM products
        WHERE delete_time IS NULL AND name ~ '[\u00ad\u061c\u115f\u1160\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff]'
        UNION ALL SELECT 'category', id, name FROM categories
        WHERE name ~ '[\u00ad\u061c\u115f\u1160\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff]'
    LOOP
        RAISE WARNING '% % has invisible or direction-changing characters in its name "%": rename it', found.kind, found.id, found.name;
    END LOOP;
END
$$;
