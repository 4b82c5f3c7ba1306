-- transaction: none
-- What changed lately: rebuilding and repairing the search index ask for it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_changed ON products (update_time);
CREATE INDEX CONCURRENTLY IF NOT EXISTS availability_told_since ON availability_told (told_time);
-- What is no longer needed after its retention.
CREATE INDEX CONCURRENTLY IF NOT EXISTS reservations_over ON reservations (update_time) WHERE state IN ('RELEASED', 'RETURNED');
CREATE INDEX CONCURRENTLY IF NOT EXISTS stock_adjustments_by_time ON stock_adjustments (create_time) WHERE action <> 'CARRIED';
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS stock_adjustments_carried ON stock_adjustments (product_id) WHERE action = 'CARRIED';
