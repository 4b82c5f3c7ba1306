"""What Elasticsearch is asked: the bodies of searches, facets, highlights and suggestions.

Not here: the index's definition (`search_index`), other spellings of a query (`search_spellings`), whom to ask and what is kept of the
answers (`search`).
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

from catalog.ports import Criteria, Facet, FacetValue, Sort
from catalog.search_spellings import shortened, spellings
from kit.values import CURRENCIES, MAX_COUNT, Money

# Prices compare within a currency only: without a filter one currency follows the other.
_SORTS: Final[Mapping[Sort, Mapping[str, str]]] = {
    Sort.NEWEST: {"create_time": "desc"},
    Sort.PRICE_ASC: {"currency": "asc", "price": "asc"},
    Sort.PRICE_DESC: {"currency": "asc", "price": "desc"},
    Sort.NAME_ASC: {"name.sort": "asc"},
    Sort.NAME_DESC: {"name.sort": "desc"},
    Sort.RELEVANCE: {"_score": "desc"},
}
# Newer before older among equals; the id breaks ties, so that pages neither repeat nor skip.
_TIE_BREAKERS: Final = {"create_time": "desc", "id": "desc"}
# What a sort's values are in an answer, and so in a cursor.
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "_score": (float, int),
    "name.sort": (str,),
    "currency": (str,),
    "price": (int,),
    "create_time": (int,),
    "id": (str,),
}
_NEAR: Final = {"fuzziness": "AUTO", "prefix_length": 1, "max_expansions": 20}
# From which whole units a price counts into the next range.
_PRICE_STEPS: Final = (0, 25, 50, 100, 200, 500, 1000)
_CATEGORIES_MOST = 50
# Of each word: less than words that are found as they were written.
_RESPELLED_BOOST: Final = 2
# With fewer letters too many words begin like it.
_CONTINUED_LEAST: Final = 3


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


def suggestions(prefix: str, size: int) -> list[dict[str, Any]]:
    """What to ask, one after the other until there is an answer: no letter that is added to a word that matches empties it.

    Names that begin like it, then those with words that do; with tolerance, or with such words written otherwise; for what was typed
    before.
    """
    plain = [
        {"constant_score": {"filter": {"prefix": {"name.sort": {"value": prefix}}}, "boost": 2}},
        *_beginnings(prefix),
        *(way for spelling in spellings(prefix) for way in _beginnings(spelling)),
    ]
    tolerant = [
        *(
            {"match": {field: {"query": prefix, "operator": "and", **_NEAR}}}
            for field in ("name.plain", "name.prefix")
        ),
        _loose(prefix, 0.2),
        *_continued(prefix),
    ]
    asked = [_suggestions(plain, size), _suggestions(tolerant, size)]
    ways = [way for part in shortened(prefix) for way in _beginnings(part)]
    return [*asked, _suggestions(ways, size)] if ways else asked


def _beginnings(prefix: str) -> list[dict[str, Any]]:
    words = {"match": {"name.prefix": {"query": prefix, "operator": "and"}}}
    return [{"constant_score": {"filter": words}}]


def _suggestions(ways: list[dict[str, Any]], size: int) -> dict[str, Any]:
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
    return repr((c.query, c.categories, c.least, c.most, c.available, _sort_of(c))) + c.currency


def kinds_of(criteria: Criteria) -> list[tuple[type, ...]]:
    """Of which types the sort values of a hit are."""
    return [_KINDS[field] for field in _order(criteria)]


def _order(criteria: Criteria) -> dict[str, str]:
    return {**_SORTS[_sort_of(criteria)], **_TIE_BREAKERS}


def _sort_of(criteria: Criteria) -> Sort:
    return Sort.NEWEST if criteria.sort is Sort.RELEVANCE and not criteria.query else criteria.sort


def search(criteria: Criteria, after: Sequence[Any] | None, *, fuzzy: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "query": {"bool": {"must": _must(criteria.query, fuzzy=fuzzy), "filter": _filters(criteria)}},
        "sort": [{field: direction} for field, direction in _order(criteria).items()],
        # One more than asked for tells whether there is a next page.
        "size": criteria.size + 1,
        "track_total_hits": MAX_COUNT + 1 if criteria.count else False,
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


def _must(query: str, *, fuzzy: bool) -> dict[str, Any]:
    if not query:
        return {"match_all": {}}
    # The best of them counts, the others break ties.
    return {
        "dis_max": {"tie_breaker": 0.1, "queries": [*_exact(query), *(_tolerant(query) if fuzzy else ())]}
    }


def _exact(query: str) -> list[dict[str, Any]]:
    words = {
        "query": query,
        "type": "cross_fields",
        "operator": "and",
        "fields": ["name^4", "category^2", "description", "name.loose^0.2"],
    }
    return [
        *_sku(query),
        {"match_phrase": {"name": {"query": query, "boost": 6}}},
        {"multi_match": words},
        {"match": {"name.prefix": {"query": query, "operator": "and", "boost": 1.5}}},
        *(_loose(spelling, _RESPELLED_BOOST) for spelling in spellings(query)),
    ]


def _loose(text: str, boost: float) -> dict[str, Any]:
    return {"match": {"name.loose": {"query": text, "operator": "and", "boost": boost}}}


def _sku(query: str) -> list[dict[str, Any]]:
    """As it is, without its signs, its beginning; what has a digit or a hyphen in it was hardly meant as a word."""
    meant = any(character.isdecimal() or character in "-_/" for character in query)
    ways = [("term", "sku", 1000), ("term", "sku.bare", 900), ("match", "sku.prefix", 100 if meant else 0.5)]
    return [
        {"constant_score": {"filter": {kind: {field: query}}, "boost": boost}} for kind, field, boost in ways
    ]


def _tolerant(query: str) -> list[dict[str, Any]]:
    """Only adds: what is found exactly stays, and before it."""
    near = {"query": query, "operator": "and", "type": "best_fields", **_NEAR, "boost": 0.1}
    fields = ["name.plain^4", "category^2", "description", "name.loose^0.1"]
    pieces = {"match": {"name.pieces": {"query": query, "operator": "and", "boost": 0.05}}}
    continued = _continued(query) if len(query.split()[-1]) >= _CONTINUED_LEAST else ()
    return [{"multi_match": {**near, "fields": fields}}, pieces, *continued]


def _continued(query: str) -> list[dict[str, Any]]:
    """The last word as the beginning of what is written apart (Ear Buds), or of the middle of a compound."""
    words = {"query": query, "operator": "and", "boost": 0.05}
    return [{"match_bool_prefix": {field: words}} for field in ("name.loose", "name.pieces")]


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
    currency = criteria.currency or next((bound.currency for bound in known.values()), "")
    if currency:
        filters.append({"term": {"currency": currency}})
    return filters
