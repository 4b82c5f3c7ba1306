-- transaction: none
CALL fill_variants();
ANALYZE variants;
