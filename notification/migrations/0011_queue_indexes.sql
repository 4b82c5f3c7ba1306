-- transaction: none
-- Each index of the queue has a predicate of its own, so that each look-up of a claim can use one of them only: while the queue is empty,
-- the planner takes any of its indexes for as good as the right one, and keeps that plan when the queue is long (ADR 0062).
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_queued_of_account ON notifications (account_id, priority, create_time, id)
    WHERE status = 'QUEUED';
DROP INDEX CONCURRENTLY IF EXISTS notifications_due_of_account;
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_unsent ON notifications (create_time) WHERE due_time > '-infinity';
DROP INDEX CONCURRENTLY IF EXISTS notifications_queued;
