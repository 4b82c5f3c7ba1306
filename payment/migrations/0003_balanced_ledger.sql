-- What one statement books sums to zero, entry by entry; and what is booked stays as it is.
CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM booked GROUP BY entry
        HAVING sum(amount) <> 0 OR count(*) <> 2 OR min(currency) <> max(currency) OR count(DISTINCT payment_id) <> 1
    ) THEN
        RAISE EXCEPTION 'an entry of the ledger does not sum to zero' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balances';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ledger_balances AFTER INSERT ON ledger
    REFERENCING NEW TABLE AS booked FOR EACH STATEMENT EXECUTE FUNCTION ledger_balances();

CREATE FUNCTION ledger_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is only added to' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_stays';
END
$$;
CREATE TRIGGER ledger_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION ledger_stays();

-- How often the provider refused a refund that it may do later.
ALTER TABLE refunds ADD COLUMN refusals integer NOT NULL DEFAULT 0;
CREATE INDEX refunds_of_provider ON refunds (provider_id) WHERE provider_id <> '';
