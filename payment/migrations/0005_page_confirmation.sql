-- Payments that the buyer's page confirms, and orders whose total is zero. Replicas of the release before write neither.
ALTER TABLE payments
    ADD COLUMN confirmation text NOT NULL DEFAULT 'SERVER',
    ADD COLUMN client_secret bytea NOT NULL DEFAULT '',
    ADD COLUMN declines integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT payments_confirmation_check CHECK (confirmation IN ('SERVER', 'CLIENT')) NOT VALID,
    DROP CONSTRAINT payments_amount_check,
    ADD CONSTRAINT payments_amount_check CHECK (amount >= 0) NOT VALID;
