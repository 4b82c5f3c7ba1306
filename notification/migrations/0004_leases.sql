-- A notification is due while it is QUEUED, and never after. A worker that woke up late may have left it otherwise.
UPDATE notifications SET due_time = NULL WHERE status <> 'QUEUED' AND due_time IS NOT NULL;
UPDATE notifications SET due_time = now() WHERE status = 'QUEUED' AND due_time IS NULL;
ALTER TABLE notifications ADD CONSTRAINT notifications_due_while_queued CHECK ((due_time IS NOT NULL) = (status = 'QUEUED'));
