-- Checked without a lock by 0007, after which NOT NULL needs no scan.
ALTER TABLE orders ADD CONSTRAINT orders_have_numbers CHECK (number IS NOT NULL) NOT VALID;
DROP PROCEDURE number_orders();
