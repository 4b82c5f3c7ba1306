-- A guest is an account that cannot sign in (ADR 0043). Its address is in contact_email and its email is null: so no look-up by email finds
-- it, and the unique index of emails, which releases without guests name in their statements, does not cover it.
ALTER TABLE accounts ALTER COLUMN email DROP NOT NULL;
ALTER TABLE accounts
    ADD COLUMN guest boolean NOT NULL DEFAULT false,
    ADD COLUMN contact_email text NOT NULL DEFAULT '',
    ADD COLUMN merged_into uuid,
    ADD COLUMN guest_due_time timestamptz;
ALTER TABLE accounts ADD CONSTRAINT guests_cannot_sign_in CHECK (NOT guest OR (password_hash = '' AND role = 'USER')) NOT VALID;
ALTER TABLE accounts ADD CONSTRAINT accounts_have_emails CHECK (guest OR (email IS NOT NULL AND contact_email = '')) NOT VALID;

ALTER TABLE mailed_links DROP CONSTRAINT mailed_links_purpose_check;
ALTER TABLE mailed_links ADD CONSTRAINT mailed_links_purpose_check
    CHECK (purpose IN ('PASSWORD_RESET', 'EMAIL_VERIFICATION', 'ORDER_ACCESS')) NOT VALID;
