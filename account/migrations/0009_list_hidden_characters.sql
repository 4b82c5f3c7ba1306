-- Names from before ADR 0024 are kept, and listed for the operator by id only: a name is personal data, which does not belong in a log.
DO $$
DECLARE
    account record;
BEGIN
    FOR account IN
        SELECT id, hidden_character(name) AS character FROM accounts
        WHERE delete_time IS NULL AND hidden_character(name) IS NOT NULL ORDER BY create_time, id
    LOOP
        RAISE WARNING 'account % has the invisible or direction-changing character % in its name: ask its owner to change the name', account.id, account.character;
    END LOOP;
END
$$;
