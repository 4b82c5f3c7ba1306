-- The buyer's note, from the cart; NULL without one.
ALTER TABLE orders ADD COLUMN note text;
