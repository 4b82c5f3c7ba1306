-- transaction: none
-- Reads the table, and blocks neither readers nor writers of rows.
ALTER TABLE payments VALIDATE CONSTRAINT payments_confirmation_check;
ALTER TABLE payments VALIDATE CONSTRAINT payments_amount_check;
