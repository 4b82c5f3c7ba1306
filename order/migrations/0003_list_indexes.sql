-- transaction: none
-- Lists by status, of all orders and of an account's: each index has them in the order in which they are shown.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_status ON orders (status, create_time DESC, id DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_account_and_status ON orders (account_id, status, create_time DESC, id DESC);
