-- SKUs are unique by identity (0008), under the name of the index before.
DROP INDEX products_sku;
ALTER INDEX products_sku_identity RENAME TO products_sku;
DROP PROCEDURE mark_shared_skus();
