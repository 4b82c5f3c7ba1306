-- A mail to an account that never became known is given up, too.
ALTER TABLE notifications
    DROP CONSTRAINT notifications_failure_check,
    ADD CONSTRAINT notifications_failure_check
        CHECK (failure IN ('', 'REFUSED', 'EXPIRED', 'ACCOUNT_DELETED', 'NOT_TAKEN', 'NOT_RENDERED', 'NO_RECIPIENT')) NOT VALID;
