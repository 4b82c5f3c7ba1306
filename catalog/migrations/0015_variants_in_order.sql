-- transaction: none
-- A page of a product's variants.
CREATE INDEX CONCURRENTLY IF NOT EXISTS variants_of_product ON variants (product_id, position, id) WHERE delete_time IS NULL;
