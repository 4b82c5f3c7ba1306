-- transaction: none
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_pending_of_network ON orders (guest_network)
    WHERE status = 'PENDING' AND guest_network IS NOT NULL;
