-- transaction: none
-- Mails whose content is still kept, and those that were not sent yet, by age: what retention looks at.
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_with_content ON notifications (create_time)
    WHERE due_time IS NULL AND context <> '{}';
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_queued ON notifications (create_time) WHERE due_time IS NOT NULL;
