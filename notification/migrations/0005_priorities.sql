-- 0: a person waits for it at a screen (a link that they asked for); 1: all others.
ALTER TABLE notifications ADD COLUMN priority smallint NOT NULL DEFAULT 1 CHECK (priority IN (0, 1));

DROP INDEX notifications_due;
CREATE INDEX notifications_due ON notifications (priority, due_time) WHERE due_time IS NOT NULL;
-- Mails to one person go out in order.
CREATE INDEX notifications_due_of_account ON notifications (account_id, priority, create_time, id) WHERE due_time IS NOT NULL;
