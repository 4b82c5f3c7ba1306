-- transaction: none
-- The index by which an order is found and which keeps numbers unique.
DROP INDEX CONCURRENTLY IF EXISTS orders_number;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_number ON orders (order_number(number, id));
