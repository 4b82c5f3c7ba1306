-- transaction: none
-- Orders that count as failed payments: also those that their buyers cancelled unpaid, which is the second version of an order. Replicas of
-- the version before still read orders_failed.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_payment_failed ON orders (account_id, update_time)
    WHERE cancel_reason = 'PAYMENT_FAILED' OR (cancel_reason = 'CUSTOMER' AND version = 2);
