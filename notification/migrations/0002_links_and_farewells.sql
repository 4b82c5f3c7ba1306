-- A mail with a link is of no use once the link is not honoured any more.
ALTER TABLE notifications ADD COLUMN expire_time timestamptz;

-- Whose account was deleted: name and address are empty from then on.
ALTER TABLE recipients ADD COLUMN delete_time timestamptz;
ALTER TABLE recipients ADD CONSTRAINT recipients_gone CHECK (delete_time IS NULL OR (name = '' AND email = ''));
CREATE INDEX recipients_gone_since ON recipients (delete_time) WHERE delete_time IS NOT NULL;
