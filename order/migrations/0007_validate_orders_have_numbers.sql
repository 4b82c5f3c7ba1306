-- transaction: none
ALTER TABLE orders VALIDATE CONSTRAINT orders_have_numbers;
