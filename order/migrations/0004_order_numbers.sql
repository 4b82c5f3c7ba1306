-- Order numbers, which people can read on the phone. New rows take theirs from the sequence, whatever release writes them. Rows of earlier
-- releases get the numbers below its start, in order of time: 0005 calls number_orders(), which commits in batches and can be run again.
DO $$ BEGIN
    EXECUTE format('CREATE SEQUENCE order_numbers START %s', 1001 + (SELECT count(*) FROM orders));
END $$;

-- Two statements: a column that is added with such a default would rewrite the table.
ALTER TABLE orders ADD COLUMN number bigint;
ALTER TABLE orders ALTER COLUMN number SET DEFAULT nextval('order_numbers');
ALTER SEQUENCE order_numbers OWNED BY orders.number;

CREATE PROCEDURE number_orders() LANGUAGE plpgsql AS $$
DECLARE
    reserved_end bigint := (SELECT seqstart FROM pg_sequence WHERE seqrelid = 'order_numbers'::regclass);
    next_number bigint := (SELECT coalesce(max(number), 1000) + 1 FROM orders WHERE number < reserved_end);
    last record;
    started timestamptz;
BEGIN
    -- Each pass skips rows that a transaction has locked; the next pass takes them.
    WHILE EXISTS (SELECT FROM orders WHERE number IS NULL) LOOP
        last := ('-infinity'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid, 0);
        LOOP
            started := clock_timestamp();
            WITH batch AS (
                SELECT id, create_time FROM orders WHERE (create_time, id) > (last.f1, last.f2) AND number IS NULL
                ORDER BY create_time, id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
            ), numbers AS (
                SELECT id, next_number + row_number() OVER (ORDER BY create_time, id) - 1 AS number FROM batch
            ), numbered AS (
                -- Orders placed while 0004 counted are more than were counted.
                UPDATE orders o SET number = CASE WHEN n.number < reserved_end THEN n.number ELSE nextval('order_numbers') END
                FROM numbers n WHERE o.id = n.id RETURNING o.create_time, o.id
            )
            SELECT create_time AS f1, id AS f2, count(*) OVER () AS f3 INTO last FROM numbered ORDER BY create_time DESC, id DESC LIMIT 1;
            EXIT WHEN NOT FOUND;
            next_number := next_number + last.f3;
            COMMIT;
            -- Half of the time is left to others.
            PERFORM pg_sleep(extract(epoch FROM clock_timestamp() - started));
        END LOOP;
    END LOOP;
END $$;
