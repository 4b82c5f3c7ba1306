-- What an operator finds an account by (account.search); NULL: not yet made, a job makes it. The index accounts_words is the release's before.
ALTER TABLE accounts ADD COLUMN words tsvector;
CREATE INDEX accounts_by_words ON accounts USING gin (words) WHERE delete_time IS NULL;
CREATE INDEX accounts_without_words ON accounts (id) WHERE words IS NULL AND delete_time IS NULL;
