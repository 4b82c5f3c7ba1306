"""Searching and filling the index: criteria -> Elasticsearch -> products. When products are indexed is the indexer's business.

A document holds what is searched, filtered and sorted by, and the product itself as its edge encodes it, so that an answer needs no
table but the stock's. Answers are kept in Redis for at most a second, with the index's generation; answers without hits never.
"""

import asyncio
import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson

from catalog.domain import Product
from catalog.messages import decode_product, encode_product
from catalog.metrics import SEARCHES
from catalog.ports import Criteria, Found, Sort
from kit.cache import Cache
from kit.errors import InvalidArgument, Violation
from kit.search import Document, Search
from kit.values import PRODUCT, Money, decode_cursor, encode_cursor

ALIAS = "catalog-products"
_GENERATION = "generation"
# With fewer hits than this the query probably has a typing error.
_TOO_FEW: Final = 3

_TEXT = {"type": "text", "analyzer": "words"}
DEFINITION: Final[Mapping[str, Any]] = {
    "settings": {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        # The indexer refreshes, so that it knows when searches see what it wrote.
        "refresh_interval": -1,
        "analysis": {
            "filter": {
                "english_words": {"type": "stemmer", "language": "light_english"},
                "beginnings": {"type": "edge_ngram", "min_gram": 2, "max_gram": 15},
            },
            "analyzer": {
                "words": {"tokenizer": "standard", "filter": ["lowercase", "asciifolding", "english_words"]},
                "plain": {"tokenizer": "standard", "filter": ["lowercase", "asciifolding"]},
                "prefixes": {"tokenizer": "standard", "filter": ["lowercase", "asciifolding", "beginnings"]},
            },
            "normalizer": {"folded": {"type": "custom", "filter": ["lowercase", "asciifolding"]}},
        },
    },
    "mappings": {
        "dynamic": "strict",
        "properties": {
            "id": {"type": "keyword"},
            "name": {
                **_TEXT,
                "fields": {
                    "plain": {"type": "text", "analyzer": "plain"},
                    "prefix": {"type": "text", "analyzer": "prefixes", "search_analyzer": "plain"},
                    "sort": {"type": "keyword", "normalizer": "folded"},
                },
            },
            "description": _TEXT,
            "category": {"type": "text", "analyzer": "words"},
            "category_slug": {"type": "keyword"},
            "sku": {"type": "keyword", "normalizer": "folded"},
            "price": {"type": "long"},
            "currency": {"type": "keyword"},
            "available": {"type": "boolean"},
            "create_time": {"type": "long"},
            "product": {"type": "binary"},
        },
    },
}

_SORTS: Final[Mapping[Sort, tuple[str, str]]] = {
    Sort.NEWEST: ("create_time", "desc"),
    Sort.PRICE_ASC: ("price", "asc"),
    Sort.PRICE_DESC: ("price", "desc"),
    Sort.NAME_ASC: ("name.sort", "asc"),
    Sort.NAME_DESC: ("name.sort", "desc"),
    Sort.RELEVANCE: ("_score", "desc"),
}
# What a sort's values are in an answer, and so in a cursor.
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "_score": (float, int),
    "name.sort": (str,),
    "price": (int,),
    "create_time": (int,),
    "id": (str,),
}


class IndexedProducts:
    """`ports.ProductSearch` on Elasticsearch, and what the indexer writes to."""

    def __init__(self, index: Search, cache: Cache, *, lifetime: timedelta) -> None:
        self._index = index
        self._cache = cache
        self._seconds = lifetime.total_seconds()
        self._finding: dict[str, asyncio.Task[Found]] = {}

    async def find(self, criteria: Criteria) -> Found:
        """A page of living products, as the index has them; raises SearchUnavailable, InvalidArgument for a foreign cursor.

        Those who search for the same at the same moment share one search.
        """
        key = "search:" + hashlib.blake2b(repr(criteria).encode(), digest_size=16).hexdigest()
        finding = self._finding.get(key)
        if finding is None:
            finding = self._finding[key] = asyncio.create_task(self._find(criteria, key))
            finding.add_done_callback(lambda _: self._finding.pop(key, None))
        return await asyncio.shield(finding)

    async def _find(self, criteria: Criteria, key: str) -> Found:
        kept = await self._cache.get_many([_GENERATION, key])
        generation = kept.get(_GENERATION, b"0").decode()
        if key in kept:
            answer = orjson.loads(kept[key])
            if answer["generation"] == generation:
                SEARCHES.labels("cache").inc()
                return _found(answer)
        answer = await self._ask(criteria)
        if answer["hits"]:
            encoded = orjson.dumps({**answer, "generation": generation})
            await self._cache.set_many({key: encoded}, seconds=self._seconds)
        return _found(answer)

    async def write(self, rows: Sequence[tuple[Product, bool, bool]]) -> None:
        """Writes the living, removes the deleted; an older version changes nothing."""
        await self._index.write([_document(*row) for row in rows])

    async def show(self) -> None:
        """Makes what was written visible, and searches answered before out of date."""
        await self._index.refresh()
        await self._cache.increment(_GENERATION)

    async def _ask(self, criteria: Criteria) -> dict[str, Any]:
        """Exactly first; with tolerance when that finds too little. A later page goes on as the first page was found."""
        await self._index.ensure_index()
        scope = _scope(criteria)
        fuzzy, after = _position(criteria, scope) if criteria.after else (False, None)
        reply = await self._index.find(_body(criteria, after, fuzzy=fuzzy))
        if (
            criteria.query
            and not criteria.after
            and len(reply["hits"]["hits"]) < min(_TOO_FEW, criteria.size)
        ):
            tolerant = await self._index.find(_body(criteria, None, fuzzy=True))
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
            "total": total["value"] if criteria.count and total else None,
        }


def _found(answer: Mapping[str, Any]) -> Found:
    hits = tuple((decode_product(base64.b64decode(encoded)), cursor) for encoded, cursor in answer["hits"])
    return Found(hits, answer["has_next"], answer["total"])


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


def _scope(criteria: Criteria) -> str:
    """What a cursor is bound to: all but the page itself."""
    c = criteria
    return repr((c.query, c.categories, c.least, c.most, c.available, _sort(c)))


def _sort(criteria: Criteria) -> Sort:
    return Sort.NEWEST if criteria.sort is Sort.RELEVANCE and not criteria.query else criteria.sort


def _position(criteria: Criteria, scope: str) -> tuple[bool, Sequence[Any]]:
    """Whether a cursor's search was tolerant, and after which sort values it goes on."""
    field, _ = _SORTS[_sort(criteria)]
    kinds = [_KINDS[name] for order in ({field: ""}, *_tie_breakers(field)) for name in order]
    match decode_cursor(criteria.after, scope, "after"):
        case [0 | 1 as fuzzy, *values] if len(values) == len(kinds) and all(map(_fits, values, kinds)):
            return bool(fuzzy), values
    rule = "must be a cursor of the same search"
    raise InvalidArgument(f"after: {rule}", fields=[Violation(("after",), rule)], reason="INVALID_CURSOR")


def _fits(value: object, kind: tuple[type, ...]) -> bool:
    # bool is an int to isinstance; Elasticsearch's long and float end somewhere.
    return type(value) in kind and (not isinstance(value, int | float) or abs(value) < 2**63)


def _body(criteria: Criteria, after: Sequence[Any] | None, *, fuzzy: bool) -> dict[str, Any]:
    field, direction = _SORTS[_sort(criteria)]
    body: dict[str, Any] = {
        "query": {"bool": {"must": _must(criteria.query, fuzzy=fuzzy), "filter": _filters(criteria)}},
        # Newer before older among equals; the id breaks ties, so that pages neither repeat nor skip.
        "sort": [{field: direction}, *_tie_breakers(field)],
        # One more than asked for tells whether there is a next page.
        "size": criteria.size + 1,
        "track_total_hits": criteria.count,
        "source": ["product"],
    }
    if after is not None:
        body["search_after"] = list(after)
    return body


def _tie_breakers(field: str) -> list[dict[str, str]]:
    return [*([] if field == "create_time" else [{"create_time": "desc"}]), {"id": "desc"}]


def _must(query: str, *, fuzzy: bool) -> dict[str, Any]:
    if not query:
        return {"match_all": {}}
    words = {
        "query": query,
        "type": "cross_fields",
        "operator": "and",
        "fields": ["name^4", "category^2", "description"],
    }
    return {
        "dis_max": {
            # The best of them counts, the others break ties.
            "tie_breaker": 0.1,
            "queries": [
                {"constant_score": {"filter": {"term": {"sku": query}}, "boost": 1000}},
                {"match_phrase": {"name": {"query": query, "boost": 6}}},
                {"multi_match": words},
                {"match": {"name.prefix": {"query": query, "operator": "and", "boost": 1.5}}},
                # Tolerance only adds: what is found exactly stays, and before it.
                *([_tolerant(query)] if fuzzy else []),
            ],
        }
    }


def _tolerant(query: str) -> dict[str, Any]:
    near = {"fuzziness": "AUTO", "prefix_length": 1, "max_expansions": 20}
    fields = ["name.plain^4", "category^2", "description"]
    best = {"query": query, "operator": "and", "type": "best_fields", "fields": fields, **near}
    return {"multi_match": {**best, "boost": 0.1}}


def _filters(criteria: Criteria) -> list[dict[str, Any]]:
    filters: list[dict[str, Any]] = []
    if criteria.categories:
        filters.append({"terms": {"category_slug": list(criteria.categories)}})
    if criteria.available is not None:
        filters.append({"term": {"available": criteria.available}})
    bounds = {"gte": criteria.least, "lte": criteria.most}
    known: dict[str, Money] = {name: bound for name, bound in bounds.items() if bound is not None}
    if known:
        filters.append({"range": {"price": {name: bound.minor for name, bound in known.items()}}})
        filters.append({"term": {"currency": next(iter(known.values())).currency}})
    return filters
