-- Whether the account's owner proved that mail to the address reaches them: until then no text that they chose is mailed there. Owners of
-- today count as unproven until something of their account changes: they are greeted without their name.
ALTER TABLE recipients ADD COLUMN email_verified boolean NOT NULL DEFAULT false;
