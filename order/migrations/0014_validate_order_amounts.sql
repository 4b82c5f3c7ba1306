-- transaction: none
ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive;
ALTER TABLE orders VALIDATE CONSTRAINT orders_amounts;
ALTER TABLE orders VALIDATE CONSTRAINT orders_shipping_required;
ALTER TABLE order_lines VALIDATE CONSTRAINT order_lines_amounts;
