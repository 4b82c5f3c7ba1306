-- Why a notification was given up; empty unless it is FAILED (and for what failed before this was kept).
ALTER TABLE notifications ADD COLUMN failure text NOT NULL DEFAULT ''
    CHECK (failure IN ('', 'REFUSED', 'EXPIRED', 'ACCOUNT_DELETED', 'NOT_TAKEN', 'NOT_RENDERED'));
ALTER TABLE notifications ADD CONSTRAINT notifications_failure CHECK (failure = '' OR status = 'FAILED');
