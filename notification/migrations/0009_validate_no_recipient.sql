-- transaction: none
-- Reads the table, and blocks neither readers nor writers of rows.
ALTER TABLE notifications VALIDATE CONSTRAINT notifications_failure_check;
