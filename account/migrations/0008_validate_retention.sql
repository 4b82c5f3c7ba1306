-- transaction: none
-- Reads the table, and blocks neither readers nor writers of rows.
ALTER TABLE refresh_tokens VALIDATE CONSTRAINT refresh_tokens_session_id_fkey;
