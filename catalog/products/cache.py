"""Products by id, from Redis or else from the table. Stock is never cached."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from catalog.products.domain import Product
from catalog.products.messages import decode_product, encode_product
from catalog.products.ports import ProductStore
from kit.cache import Cache
from kit.values import PRODUCT


class CachedProducts:
    """`ports.ProductCache` on Redis; it also caches that a product is deleted or unknown."""

    def __init__(self, cache: Cache, store: ProductStore, *, lifetime: timedelta) -> None:
        self._cache = cache
        self._store = store
        self._seconds = lifetime.total_seconds()

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        """The products among the ids that are not deleted."""
        keys = [_key(product_id) for product_id in ids]
        cached = await self._cache.get_or_load_many(keys, self._load, seconds=self._seconds)
        return [decode_product(encoded) for encoded in cached.values()]

    async def invalidate(self, *ids: UUID) -> None:
        """Removes products from Redis."""
        await self._cache.delete(*map(_key, ids))

    async def _load(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        ids = [PRODUCT.parse(key.partition(":")[2], "id") for key in keys]
        return {_key(product.id): encode_product(product) for product in await self._store.get_many(ids)}


def _key(product_id: UUID) -> str:
    return f"product:{PRODUCT.format(product_id)}"
