-- transaction: none
-- Replaces 0008_sku_identity, which locked `products` for as long as it read all of it. 0013 gives the index of SKUs the name that replicas of
-- earlier releases understand.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS categories_identity ON categories (category_identity(name));
CALL mark_shared_skus();
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS products_sku_identity ON products (sku_identity(sku))
    WHERE delete_time IS NULL AND NOT sku_shared;
-- It may have the identities of an earlier release.
DROP INDEX CONCURRENTLY IF EXISTS products_sku_shared;
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_sku_shared ON products (sku_identity(sku)) WHERE delete_time IS NULL AND sku_shared;
