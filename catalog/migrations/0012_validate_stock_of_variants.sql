-- transaction: none
-- Reads the tables, and blocks neither readers nor writers of rows.
ALTER TABLE stock VALIDATE CONSTRAINT stock_product_id_fkey;
ALTER TABLE stock_adjustments VALIDATE CONSTRAINT stock_adjustments_product_id_fkey;
