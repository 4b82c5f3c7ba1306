DROP PROCEDURE fill_variants();
-- What has stock is a variant.
ALTER TABLE stock
    DROP CONSTRAINT stock_product_id_fkey,
    ADD CONSTRAINT stock_product_id_fkey FOREIGN KEY (product_id) REFERENCES variants NOT VALID;
ALTER TABLE stock_adjustments
    DROP CONSTRAINT stock_adjustments_product_id_fkey,
    ADD CONSTRAINT stock_adjustments_product_id_fkey FOREIGN KEY (product_id) REFERENCES variants NOT VALID;
