-- Names from before ADR 0024 are kept, and listed for the operator.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT 'product' AS kind, id, name FROM products WHERE delete_time IS NULL AND hidden_character(name) IS NOT NULL
        UNION ALL SELECT 'category', id, name FROM categories WHERE hidden_character(name) IS NOT NULL
    LOOP
        RAISE WARNING '% % has invisible or direction-changing characters in its name "%": rename it', found.kind, found.id, found.name;
    END LOOP;
END
$$;
