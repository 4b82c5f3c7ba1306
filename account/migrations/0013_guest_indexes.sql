-- transaction: none
ALTER TABLE accounts VALIDATE CONSTRAINT guests_cannot_sign_in;
ALTER TABLE accounts VALIDATE CONSTRAINT accounts_have_emails;
ALTER TABLE mailed_links VALIDATE CONSTRAINT mailed_links_purpose_check;
-- The list of accounts leaves guests out.
CREATE INDEX CONCURRENTLY IF NOT EXISTS accounts_newest_customers ON accounts (create_time DESC, id DESC)
    WHERE delete_time IS NULL AND NOT guest;
-- Guests that may be deleted.
CREATE INDEX CONCURRENTLY IF NOT EXISTS accounts_guests_due ON accounts (guest_due_time) WHERE guest AND delete_time IS NULL;
