"""What Elasticsearch is asked: the index's definition, and the bodies of searches, facets, highlights and suggestions.

Not here: whom to ask, what is kept of the answers, and what they mean to a reader (`search`).
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

from catalog.ports import Criteria, Facet, FacetValue, Sort
from kit.values import CURRENCIES, Money

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

SORTS: Final[Mapping[Sort, tuple[str, str]]] = {
    Sort.NEWEST: ("create_time", "desc"),
    Sort.PRICE_ASC: ("price", "asc"),
    Sort.PRICE_DESC: ("price", "desc"),
    Sort.NAME_ASC: ("name.sort", "asc"),
    Sort.NAME_DESC: ("name.sort", "desc"),
    Sort.RELEVANCE: ("_score", "desc"),
}
# What a sort's values are in an answer, and so in a cursor.
KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "_score": (float, int),
    "name.sort": (str,),
    "price": (int,),
    "create_time": (int,),
    "id": (str,),
}
_NEAR: Final = {"fuzziness": "AUTO", "prefix_length": 1, "max_expansions": 20}
# From which whole units a price counts into the next range.
_PRICE_STEPS: Final = (0, 25, 50, 100, 200, 500, 1000)
_CATEGORIES_MOST = 50


def _price_ranges() -> list[dict[str, Any]]:
    """The ranges for every number of decimals that a currency may have; `facets` takes those of each currency."""
    ends = [*_PRICE_STEPS[1:], None]
    return [
        {
            "key": f"{exponent}:{start}-{'' if end is None else end}",
            "from": start * 10**exponent,
            **({} if end is None else {"to": end * 10**exponent}),
        }
        for exponent in sorted({currency.exponent for currency in CURRENCIES.values()})
        for start, end in zip(_PRICE_STEPS, ends, strict=True)
    ]


_FACETS: Final[Mapping[str, Any]] = {
    "category": {"terms": {"field": "category_slug", "size": _CATEGORIES_MOST}},
    "available": {"terms": {"field": "available"}},
    "currency": {
        "terms": {"field": "currency", "size": len(CURRENCIES)},
        "aggregations": {"price": {"range": {"field": "price", "ranges": _price_ranges()}}},
    },
}


def facets(reply: Mapping[str, Any]) -> list[Facet]:
    """The facets of an answer; values that nothing has are left out."""
    buckets = {name: found["buckets"] for name, found in reply["aggregations"].items()}
    available = [
        FacetValue("available" if bucket["key"] else "unavailable", bucket["doc_count"])
        for bucket in buckets["available"]
    ]
    prices = [
        FacetValue(f"{currency['key']} {bucket['key'].partition(':')[2]}", bucket["doc_count"])
        for currency in buckets["currency"]
        for bucket in sorted(currency["price"]["buckets"], key=lambda bucket: bucket["from"])
        if bucket["doc_count"] and bucket["key"].startswith(f"{CURRENCIES[currency['key']].exponent}:")
    ]
    return [
        Facet("category", _values(buckets["category"])),
        Facet("availability", tuple(available)),
        Facet("currency", _values(buckets["currency"])),
        Facet("price", tuple(prices)),
    ]


def _values(buckets: Sequence[Mapping[str, Any]]) -> tuple[FacetValue, ...]:
    return tuple(FacetValue(bucket["key"], bucket["doc_count"]) for bucket in buckets)


def _highlights(query: str) -> dict[str, Any]:
    """What was searched for, marked; by the exact query, for marking what a tolerant one found costs ten times as much."""
    fields = ("name", "name.prefix", "description")
    whole: dict[str, Any] = {"number_of_fragments": 0}
    return {
        "encoder": "html",
        "pre_tags": ["<em>"],
        "post_tags": ["</em>"],
        "highlight_query": {"bool": {"should": [{"match": {field: query}} for field in fields]}},
        "fields": {
            "name": whole,
            "name.prefix": whole,
            "description": {"number_of_fragments": 1, "fragment_size": 160},
        },
    }


def highlight(hit: Mapping[str, Any], name: str) -> str:
    """A hit's name or else the part of its description, with marks; the plain name when nothing is marked. HTML."""
    marked: Mapping[str, Sequence[str]] = hit.get("highlight", {})
    names = [texts[0] for field, texts in marked.items() if field != "description"]
    if names:
        return max(names, key=lambda text: text.count("<em>"))
    return marked["description"][0] if "description" in marked else html.escape(name)


def suggestions(prefix: str, size: int, *, fuzzy: bool) -> dict[str, Any]:
    """Names that begin like it, then those with a word that does; with tolerance, names with words like its words."""
    ways: list[dict[str, Any]]
    if fuzzy:
        near = {"query": prefix, "operator": "and", **_NEAR}
        ways = [{"match": {"name.plain": near}}]
    else:
        ways = [
            {"constant_score": {"filter": {"prefix": {"name.sort": {"value": prefix}}}, "boost": 2}},
            {"constant_score": {"filter": {"match": {"name.prefix": {"query": prefix, "operator": "and"}}}}},
        ]
    return {
        "query": {"dis_max": {"queries": ways}},
        # What can be bought before what cannot; each name once.
        "sort": [{"_score": "desc"}, {"available": "desc"}, {"name.sort": "asc"}],
        "collapse": {"field": "name.sort"},
        "size": size,
        "track_total_hits": False,
        "source": ["name"],
    }


def scope_of(criteria: Criteria) -> str:
    """What a cursor is bound to: all but the page itself."""
    c = criteria
    return repr((c.query, c.categories, c.least, c.most, c.available, sort_of(c)))


def sort_of(criteria: Criteria) -> Sort:
    return Sort.NEWEST if criteria.sort is Sort.RELEVANCE and not criteria.query else criteria.sort


def search(criteria: Criteria, after: Sequence[Any] | None, *, fuzzy: bool) -> dict[str, Any]:
    field, direction = SORTS[sort_of(criteria)]
    body: dict[str, Any] = {
        "query": {"bool": {"must": _must(criteria.query, fuzzy=fuzzy), "filter": _filters(criteria)}},
        # Newer before older among equals; the id breaks ties, so that pages neither repeat nor skip.
        "sort": [{field: direction}, *tie_breakers(field)],
        # One more than asked for tells whether there is a next page.
        "size": criteria.size + 1,
        "track_total_hits": criteria.count,
        "source": ["product"],
    }
    if after is not None:
        body["search_after"] = list(after)
    if criteria.facets:
        body["aggregations"] = _FACETS
    if criteria.highlight and criteria.query:
        body["highlight"] = _highlights(criteria.query)
        body["source"] = ["product", "name"]
    return body


def tie_breakers(field: str) -> list[dict[str, str]]:
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
    fields = ["name.plain^4", "category^2", "description"]
    best = {"query": query, "operator": "and", "type": "best_fields", "fields": fields, **_NEAR}
    return {"multi_match": {**best, "boost": 0.1}}


def _filters(criteria: Criteria) -> list[dict[str, Any]]:
    filters: list[dict[str, Any]] = []
    if criteria.categories is not None:
        filters.append({"terms": {"category_slug": list(criteria.categories)}})
    if criteria.available is not None:
        filters.append({"term": {"available": criteria.available}})
    bounds = {"gte": criteria.least, "lte": criteria.most}
    known: dict[str, Money] = {name: bound for name, bound in bounds.items() if bound is not None}
    if known:
        filters.append({"range": {"price": {name: bound.minor for name, bound in known.items()}}})
        filters.append({"term": {"currency": next(iter(known.values())).currency}})
    return filters
