"""Searching and filling the index: criteria -> Elasticsearch -> products. When products are indexed is the indexer's business.

A document holds what is searched, filtered and sorted by, and the product itself as its edge encodes it, so that an answer needs no
table but the stock's. Answers are kept in Redis for at most a second, with the index's generation; answers without hits never.
"""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson

from catalog import search_queries
from catalog.domain import Product
from catalog.messages import decode_product, encode_product
from catalog.metrics import SEARCHES
from catalog.ports import Criteria, Facet, FacetValue, Found
from catalog.search_queries import kinds_of, scope_of
from kit.cache import Cache
from kit.search import Document, SearchIndex
from kit.values import PRODUCT, decode_cursor, encode_cursor, exact_count, invalid_cursor

ALIAS = "catalog-products"
_GENERATION = "generation"
# With fewer hits than this the query probably has a typing error.
_TOO_FEW: Final = 3

T = TypeVar("T")


class IndexedProducts:
    """`ports.ProductSearch` on Elasticsearch, and what the indexer writes to."""

    def __init__(self, index: SearchIndex, cache: Cache, *, lifetime: timedelta) -> None:
        self._index = index
        self._cache = cache
        self._seconds = lifetime.total_seconds()
        self._finding: dict[str, asyncio.Task[Found]] = {}
        self._suggesting: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def find(self, criteria: Criteria) -> Found:
        """A page of living products, as the index has them; raises SearchUnavailable, InvalidArgument for a foreign cursor.

        Those who search for the same at the same moment share one search.
        """
        key = "search:" + hashlib.blake2b(repr(criteria).encode(), digest_size=16).hexdigest()

        async def find() -> Found:
            return _found(await self._answer(key, lambda: self._ask(criteria)))

        return await _shared(self._finding, key, find)

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        """Names of living products, for who has typed so far; raises SearchUnavailable."""
        key = "suggest:" + hashlib.blake2b(f"{size} {prefix}".encode(), digest_size=16).hexdigest()

        async def suggest() -> Sequence[str]:
            names: Sequence[str] = (await self._answer(key, lambda: self._complete(prefix, size)))["hits"]
            return names

        return await _shared(self._suggesting, key, suggest)

    async def _answer(self, key: str, ask: Callable[[], Awaitable[dict[str, Any]]]) -> Mapping[str, Any]:
        """What is kept of this generation, else what asking answers, which is then kept."""
        kept = await self._cache.get_many([_GENERATION, key])
        generation = kept.get(_GENERATION, b"0").decode()
        if key in kept:
            answer: Mapping[str, Any] = orjson.loads(kept[key])
            if answer["generation"] == generation:
                SEARCHES.labels("cache").inc()
                return answer
        answer = await ask()
        if answer["hits"]:
            encoded = orjson.dumps({**answer, "generation": generation})
            await self._cache.set_many({key: encoded}, seconds=self._seconds)
        return answer

    async def write(self, rows: Sequence[tuple[Product, bool, bool]], *, index: str | None = None) -> None:
        """Writes the living, removes the deleted; an older version changes nothing."""
        await self._index.write([_document(*row) for row in rows], index=index)

    async def show(self) -> None:
        """Makes what was written visible, and searches answered before out of date."""
        await self._index.refresh()
        await self._cache.increment(_GENERATION)

    async def begin(self) -> str:
        """Makes an empty index that nobody searches yet."""
        return await self._index.create_next_index()

    async def adopt(self, index: str) -> None:
        """From now on that index is searched and written."""
        await self._index.refresh(index=index)
        await self._index.switch_alias(index)
        await self.show()

    async def clear(self) -> None:
        """Removes what is not searched any more."""
        await self._index.delete_unused_indices()

    async def read(self, ids: Sequence[UUID]) -> dict[UUID, tuple[Product, bool]]:
        """What the index has of products, and whether each can be bought."""
        known = {PRODUCT.format(product_id): product_id for product_id in ids}
        found = await self._index.read(list(known))
        return {
            known[key]: (decode_product(base64.b64decode(body["product"])), body["available"])
            for key, body in found.items()
        }

    async def _ask(self, criteria: Criteria) -> dict[str, Any]:
        """Exactly first; with tolerance when that finds too little. A later page goes on as the first page was found."""
        await self._index.ensure_index()
        scope = scope_of(criteria)
        fuzzy, after = _position(criteria, scope) if criteria.after else (False, None)
        reply = await self._index.search(search_queries.search(criteria, after, fuzzy=fuzzy))
        if (
            criteria.query
            and not criteria.after
            and len(reply["hits"]["hits"]) < min(_TOO_FEW, criteria.size)
        ):
            tolerant = await self._index.search(search_queries.search(criteria, None, fuzzy=True))
            if len(tolerant["hits"]["hits"]) > len(reply["hits"]["hits"]):
                fuzzy, reply = True, tolerant
        SEARCHES.labels("fuzzy" if fuzzy else "exact").inc()
        hits = reply["hits"]["hits"]
        total = reply["hits"].get("total")
        return {
            "hits": [
                (hit["_source"]["product"], encode_cursor(scope, [int(fuzzy), *hit["sort"]]))
                for hit in hits[: criteria.size]
            ],
            "has_next": len(hits) > criteria.size,
            "total": exact_count(total["value"]) if criteria.count and total else None,
            **({"facets": search_queries.facets(reply)} if criteria.facets else {}),
            **(
                {"highlights": _highlights(hits[: criteria.size])}
                if criteria.highlight and criteria.query
                else {}
            ),
        }

    async def _complete(self, prefix: str, size: int) -> dict[str, Any]:
        await self._index.ensure_index()
        for body in search_queries.suggestions(prefix, size):
            reply = await self._index.search(body)
            if reply["hits"]["hits"]:
                break
        return {"hits": [hit["_source"]["name"] for hit in reply["hits"]["hits"]]}


def _found(answer: Mapping[str, Any]) -> Found:
    hits = tuple((decode_product(base64.b64decode(encoded)), cursor) for encoded, cursor in answer["hits"])
    facets = tuple(
        # As Elasticsearch's answer has them, or as Redis kept them.
        facet if isinstance(facet, Facet) else _facet(facet)
        for facet in answer.get("facets", ())
    )
    return Found(hits, answer["has_next"], answer["total"], facets, tuple(answer.get("highlights", ())))


def _facet(kept: Mapping[str, Any]) -> Facet:
    return Facet(kept["name"], tuple(FacetValue(**value) for value in kept["values"]))


def _highlights(hits: Sequence[Mapping[str, Any]]) -> list[str]:
    return [search_queries.highlight(hit, hit["_source"]["name"]) for hit in hits]


async def _shared(
    running: dict[str, asyncio.Task[T]], key: str, make: Callable[[], Coroutine[Any, Any, T]]
) -> T:
    """What is being found at this moment, or else is begun; who gives up does not end it for the others."""
    task = running.get(key)
    if task is None:
        task = running[key] = asyncio.create_task(make())
        task.add_done_callback(lambda _: running.pop(key, None))
    return await asyncio.shield(task)


def _document(product: Product, lives: bool, available: bool) -> Document:
    product_id = PRODUCT.format(product.id)
    if not lives:
        return Document(product_id, product.version, None)
    category = product.category
    body = {
        "id": product_id,
        "name": product.name,
        "description": product.description,
        "category": category.name if category else None,
        "category_slug": category.slug if category else None,
        "sku": product.sku or None,
        "price": product.price.minor,
        "currency": product.price.currency,
        "available": available,
        "create_time": int(product.create_time.timestamp() * 1_000_000),
        "product": base64.b64encode(encode_product(product)).decode(),
    }
    return Document(product_id, product.version, body)


def _position(criteria: Criteria, scope: str) -> tuple[bool, Sequence[Any]]:
    """Whether a cursor's search was tolerant, and after which sort values it goes on."""
    kinds = kinds_of(criteria)
    match decode_cursor(criteria.after, scope, "after"):
        case [0 | 1 as fuzzy, *values] if len(values) == len(kinds) and all(map(_fits, values, kinds)):
            return bool(fuzzy), values
    raise invalid_cursor("after")


def _fits(value: object, kind: tuple[type, ...]) -> bool:
    # bool is an int to isinstance; Elasticsearch's long and float end somewhere.
    return type(value) in kind and (not isinstance(value, int | float) or abs(value) < 2**63)
