-- Lines go with their reservation.
ALTER TABLE reservation_lines
    DROP CONSTRAINT reservation_lines_order_id_fkey,
    ADD CONSTRAINT reservation_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES reservations ON DELETE CASCADE NOT VALID;

-- CARRIED: the sum of a product's adjustments that are older than they are kept one by one. At most one row a product.
ALTER TABLE stock_adjustments
    DROP CONSTRAINT stock_adjustments_action_check,
    ADD CONSTRAINT stock_adjustments_action_check
        CHECK (action IN ('CREATE', 'ADJUST', 'SET', 'STOP_TRACKING', 'FORGO', 'CARRIED')) NOT VALID;
