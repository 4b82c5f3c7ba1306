-- transaction: none
-- The orders of earlier releases, then the index by which an order is found and which keeps numbers unique.
CALL number_orders();
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_number ON orders (number);
