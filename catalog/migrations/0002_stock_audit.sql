-- What each adjustment was, and what was asked for: an ADJUST's id follows from the caller and their request_id. What comes back of a
-- product that is not tracked any more has no actor.
ALTER TABLE stock_adjustments
    ADD COLUMN action text NOT NULL DEFAULT 'CREATE' CHECK (action IN ('CREATE', 'ADJUST', 'SET', 'STOP_TRACKING', 'FORGO')),
    ADD COLUMN input_hash bytea NOT NULL DEFAULT '',
    ALTER COLUMN actor_id DROP NOT NULL;
ALTER TABLE stock_adjustments ALTER COLUMN action DROP DEFAULT;
