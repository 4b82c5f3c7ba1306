-- transaction: none
-- The payments of a merged guest.
CREATE INDEX CONCURRENTLY IF NOT EXISTS payments_of_account ON payments (account_id);
