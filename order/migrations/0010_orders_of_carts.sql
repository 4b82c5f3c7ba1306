-- The cart that an order was placed from. Its index is in the next file.
ALTER TABLE orders ADD COLUMN cart_id uuid;
