-- Order numbers, which people can read on the phone. New rows take theirs from the sequence, whatever release writes them. Rows of earlier
-- releases keep NULL, so that none is rewritten: their numbers, of 18 digits, are made of the random part of their ids.
CREATE SEQUENCE IF NOT EXISTS order_numbers START 1001;

-- Two statements: a column that is added with such a default would rewrite the table.
ALTER TABLE orders ADD COLUMN IF NOT EXISTS number bigint;
ALTER TABLE orders ALTER COLUMN number SET DEFAULT nextval('order_numbers');
ALTER TABLE orders ALTER COLUMN number DROP NOT NULL;
ALTER SEQUENCE order_numbers OWNED BY orders.number;

CREATE OR REPLACE FUNCTION order_number(number bigint, id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(number, 100000000000000000 + ('x' || right(replace(id::text, '-', ''), 14))::bit(56)::bigint);
