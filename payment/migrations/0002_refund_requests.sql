-- Refunds that somebody asks for: the id follows from the caller and their idempotency key, input_hash from what was asked. Empty: nobody asked.
ALTER TABLE refunds ADD COLUMN input_hash bytea NOT NULL DEFAULT '';
