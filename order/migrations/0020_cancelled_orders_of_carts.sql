-- transaction: none
-- For the sweep that reopens the carts of orders that a replica of an earlier version cancelled.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_cancelled_of_carts ON orders (update_time, id)
    WHERE cart_id IS NOT NULL AND status = 'CANCELLED';
