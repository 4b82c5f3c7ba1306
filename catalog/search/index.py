"""Searches Elasticsearch, and caches results in Redis.

Results are cached for about a second with the index's generation, so a refresh invalidates them. Empty results are not cached.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import orjson

from catalog.indexing.index import GENERATION, decode_document
from catalog.metrics import SEARCHES
from catalog.search import queries
from catalog.search.domain import Criteria, SearchResult
from catalog.search.facets import facets
from catalog.search.messages import encode_page
from kit.cache import Cache
from kit.search import SearchIndex
from kit.values import decode_cursor, encode_cursor, exact_count, invalid_cursor
from kit.work import SingleFlight

# With fewer hits than this the query probably has a typo.
_FUZZY_FALLBACK_BELOW: Final = 3

# An encoded result, and whether anything matched.
Result = tuple[bytes, bool]


class ElasticsearchIndexReader:
    """`ports.IndexReader` on Elasticsearch."""

    def __init__(self, index: SearchIndex, cache: Cache, *, lifetime: timedelta) -> None:
        """`lifetime`: of cached results."""
        self._index = index
        self._cache = cache
        self._seconds = lifetime.total_seconds()
        self._shared: SingleFlight[str, bytes] = SingleFlight()

    async def search(self, criteria: Criteria) -> bytes:
        """Concurrent equal searches share one query. Raises SearchUnavailable, InvalidArgument for a cursor of another search."""
        return await self._cached(_page_key(criteria), lambda: self._query(criteria))

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        """Distinct names of products that complete a prefix; raises SearchUnavailable."""
        key = _key("names", f"{size} {prefix}")
        names: list[str] = orjson.loads(await self._cached(key, lambda: self._complete(prefix, size)))
        return names

    async def _cached(self, key: str, query: Callable[[], Awaitable[Result]]) -> bytes:
        return await self._shared.run(key, lambda: self._cached_or_queried(key, query))

    async def _cached_or_queried(self, key: str, query: Callable[[], Awaitable[Result]]) -> bytes:
        """The cached result of the current generation, else the query's, which is then cached."""
        cached = await self._cache.get_many([GENERATION, key])
        generation = cached.get(GENERATION, b"0")
        if key in cached:
            cached_generation, _, encoded = cached[key].partition(b"\n")
            if cached_generation == generation:
                SEARCHES.labels("cache").inc()
                return encoded
        encoded, any_hits = await query()
        if any_hits:
            await self._cache.set_many({key: b"%s\n%s" % (generation, encoded)}, seconds=self._seconds)
        return encoded

    async def _query(self, criteria: Criteria) -> Result:
        """Exact first, then fuzzy if there are few hits. Later pages use the mode of the first page, which is in the cursor."""
        await self._index.ensure_index()
        scope = queries.scope_of(criteria)
        fuzzy, after = _position(criteria, scope) if criteria.after else (False, None)
        reply = await self._index.search(queries.search(criteria, after, fuzzy=fuzzy))
        if (
            criteria.query
            and not criteria.after
            and len(_hits(reply)) < min(_FUZZY_FALLBACK_BELOW, criteria.size)
        ):
            fuzzy_reply = await self._index.search(queries.search(criteria, None, fuzzy=True))
            if len(_hits(fuzzy_reply)) > len(_hits(reply)):
                fuzzy, reply = True, fuzzy_reply
        SEARCHES.labels("fuzzy" if fuzzy else "exact").inc()
        result = _result(criteria, reply, lambda hit: encode_cursor(scope, [int(fuzzy), *hit["sort"]]))
        return encode_page(result), bool(result.hits)

    async def _complete(self, prefix: str, size: int) -> Result:
        await self._index.ensure_index()
        for body in queries.suggestions(prefix, size):
            reply = await self._index.search(body)
            if _hits(reply):
                break
        names = [hit["_source"]["name"] for hit in _hits(reply)]
        return orjson.dumps(names), bool(names)


@lru_cache(1024)
def _page_key(criteria: Criteria) -> str:
    return _key("page", repr(criteria))


def _key(kind: str, text: str) -> str:
    return f"{kind}:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def _hits(reply: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    hits: Sequence[Mapping[str, Any]] = reply["hits"]["hits"]
    return hits


def _result(
    criteria: Criteria, reply: Mapping[str, Any], cursor: Callable[[Mapping[str, Any]], str]
) -> SearchResult:
    hits, total = _hits(reply), reply["hits"].get("total")
    page = hits[: criteria.size]
    with_highlights = criteria.highlight and criteria.query
    return SearchResult(
        hits=tuple((decode_document(hit["_source"]), cursor(hit)) for hit in page),
        has_next=len(hits) > criteria.size,
        total=exact_count(total["value"]) if criteria.count_total and total else None,
        facets=tuple(facets(reply)) if criteria.facets else (),
        highlights=tuple(queries.highlight(hit, hit["_source"]["name"]) for hit in page)
        if with_highlights
        else (),
    )


def _position(criteria: Criteria, scope: str) -> tuple[bool, Sequence[Any]]:
    """Whether the cursor's search was fuzzy, and the sort values after which to continue."""
    types = queries.sort_value_types(criteria)
    match decode_cursor(criteria.after, scope, "after"):
        case [0 | 1 as fuzzy, *values] if len(values) == len(types) and all(map(_fits, values, types)):
            return bool(fuzzy), values
    raise invalid_cursor("after")


def _fits(value: object, types: tuple[type, ...]) -> bool:
    # Not isinstance: bool is a subclass of int. Elasticsearch rejects numbers beyond its long.
    return type(value) in types and (not isinstance(value, int | float) or abs(value) < 2**63)
