-- transaction: none
-- Pruning looks for the oldest rows. The BRIN index stopped narrowing once freed pages were filled again: every page then holds old and new rows.
CREATE INDEX CONCURRENTLY IF NOT EXISTS inbox_received_at ON inbox (received_at);
DROP INDEX CONCURRENTLY IF EXISTS inbox_received;
