-- What the successor of a used token follows from, with the token itself (account.session_domain.successor). A token used by a replica of the
-- release before has none.
ALTER TABLE refresh_tokens ADD COLUMN seed text;
