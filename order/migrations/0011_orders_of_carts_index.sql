-- transaction: none
-- A cart has one order that is not cancelled.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_of_cart ON orders (cart_id) WHERE cart_id IS NOT NULL AND status <> 'CANCELLED';
