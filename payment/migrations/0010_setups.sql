-- Setups that an account started since `setups_since`; they are counted again from one after an hour.
ALTER TABLE provider_customers
    ADD COLUMN setups integer NOT NULL DEFAULT 0,
    ADD COLUMN setups_since timestamptz;
