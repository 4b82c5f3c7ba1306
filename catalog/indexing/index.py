"""Writes the Elasticsearch index. Searching it is in `search.index`.

A document has the fields that are searched, filtered and sorted by, and the encoded product, so that a result needs no table but `stock`.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from catalog.indexing.domain import IndexRow
from catalog.products.domain import Product
from catalog.products.messages import decode_product, encode_product
from kit.cache import Cache
from kit.search import Document, SearchIndex
from kit.values import PRODUCT

ALIAS: Final = "catalog-products"
# Redis counter that is part of every cached result (`search.index`).
GENERATION: Final = "generation"


class ProductIndex:
    """`ports.Index` on Elasticsearch."""

    def __init__(self, index: SearchIndex, cache: Cache) -> None:
        self._index = index
        self._cache = cache

    async def write(self, rows: Sequence[IndexRow], *, index: str | None = None) -> None:
        """Writes active products and removes deleted ones, unless the index has a newer version."""
        await self._index.write([_document(row) for row in rows], index=index)

    async def refresh(self) -> None:
        """Makes writes visible and invalidates cached results."""
        await self._index.refresh()
        await self._cache.increment(GENERATION)

    async def create_generation(self) -> str:
        """Creates an empty index that is not searched yet; returns its name."""
        return await self._index.create_next_index()

    async def switch_alias(self, index: str) -> None:
        """From now on this index is searched and written."""
        await self._index.refresh(index=index)
        await self._index.switch_alias(index)
        await self.refresh()

    async def delete_old_generations(self) -> None:
        """Deletes the indices that the alias does not point to."""
        await self._index.delete_unused_indices()

    async def read(self, ids: Sequence[UUID]) -> dict[UUID, tuple[Any, ...]]:
        """What the index has of the products among the ids, as `IndexRow.state`."""
        by_key = {PRODUCT.format(product_id): product_id for product_id in ids}
        documents = await self._index.read(list(by_key))
        return {by_key[key]: _state(body) for key, body in documents.items()}


def decode_document(body: Mapping[str, Any]) -> Product:
    """The product of a document, or of a hit's source."""
    return decode_product(base64.b64decode(body["product"]))


def _state(body: Mapping[str, Any]) -> tuple[Any, ...]:
    product = decode_document(body)
    options = (body.get("option_values"), body.get("option_combinations"), body["sku"] or [])
    return (product, body["available"], *(options if product.options else ()))


def _document(row: IndexRow) -> Document:
    product = row.product
    product_id = PRODUCT.format(product.id)
    if not row.is_active:
        return Document(product_id, product.version, None)
    category = product.category
    body = {
        "id": product_id,
        "name": product.name,
        "description": product.description,
        "category": category.name if category else None,
        "category_slug": category.slug if category else None,
        "sku": list(row.skus) or product.sku or None,
        "price": product.price.minor,
        "currency": product.price.currency,
        "available": row.available,
        "create_time": int(product.create_time.timestamp() * 1_000_000),
        "product": base64.b64encode(encode_product(product)).decode(),
    }
    if product.options:
        body |= {
            "option_values": row.option_values,
            "option_combinations": row.option_combinations,
        }
    return Document(product_id, product.version, body)
