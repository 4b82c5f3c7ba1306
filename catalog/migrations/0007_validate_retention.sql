-- transaction: none
-- Reads the tables, and blocks neither readers nor writers of rows.
ALTER TABLE reservation_lines VALIDATE CONSTRAINT reservation_lines_order_id_fkey;
ALTER TABLE stock_adjustments VALIDATE CONSTRAINT stock_adjustments_action_check;
