"""The bodies of Elasticsearch requests for searches, highlights and suggestions, and reading highlights from replies.

Not here: facets (`facets`), the index's definition (`indexing.definition`), alternative spellings of a query (`spellings`), sending and
caching (`index`).
"""

import html
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

from catalog.options import OptionValue, ProductOption, combination_key
from catalog.search.domain import Criteria, Sort
from catalog.search.facets import FACETS
from catalog.search.spellings import shortened, spellings
from kit.values import MAX_COUNT, Money

# Prices are only comparable within a currency: without a filter, results are grouped by currency.
_SORTS: Final[Mapping[Sort, Mapping[str, str]]] = {
    Sort.NEWEST: {"create_time": "desc"},
    Sort.PRICE_ASC: {"currency": "asc", "price": "asc"},
    Sort.PRICE_DESC: {"currency": "asc", "price": "desc"},
    Sort.NAME_ASC: {"name.sort": "asc"},
    Sort.NAME_DESC: {"name.sort": "desc"},
    Sort.RELEVANCE: {"_score": "desc"},
}
# Newest first among equals. The id makes the order total, so pages neither repeat nor skip hits.
_TIE_BREAKERS: Final = {"create_time": "desc", "id": "desc"}
# Types of the sort values in a reply, and so in a cursor.
_SORT_VALUE_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "_score": (float, int),
    "name.sort": (str,),
    "currency": (str,),
    "price": (int,),
    "create_time": (int,),
    "id": (str,),
}
_FUZZY: Final = {"fuzziness": "AUTO", "prefix_length": 1, "max_expansions": 20}
# Per word: below matches of the words as written.
_RESPELLED_BOOST: Final = 2
# Shorter prefixes match too many words.
_MIN_PREFIX: Final = 3


def _highlights(query: str) -> dict[str, Any]:
    """Marks the words of the query. Uses an exact query: highlighting a fuzzy one takes ten times as long."""
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
    """HTML: the name with marked words, or else such a fragment of the description, or else the name without marks."""
    marked: Mapping[str, Sequence[str]] = hit.get("highlight", {})
    names = [texts[0] for field, texts in marked.items() if field != "description"]
    if names:
        return max(names, key=lambda text: text.count("<em>"))
    return marked["description"][0] if "description" in marked else html.escape(name)


def suggestions(prefix: str, size: int) -> list[dict[str, Any]]:
    """Requests to send in order until one has hits, so that typing on does not empty the list.

    1. Names that start with the prefix, then names with words that do, alternative spellings included.
    2. Fuzzy matches, and words joined or split differently.
    3. The prefix without its last word or letters.
    """
    exact = [
        {"constant_score": {"filter": {"prefix": {"name.sort": {"value": prefix}}}, "boost": 2}},
        *_word_prefixes(prefix),
        *(query for spelling in spellings(prefix) for query in _word_prefixes(spelling)),
    ]
    fuzzy = [
        *(
            {"match": {field: {"query": prefix, "operator": "and", **_FUZZY}}}
            for field in ("name.plain", "name.prefix")
        ),
        _loose(prefix, 0.2),
        *_last_word_prefix(prefix),
    ]
    shorter = [query for part in shortened(prefix) for query in _word_prefixes(part)]
    return [_suggestions(queries, size) for queries in (exact, fuzzy, shorter) if queries]


def _word_prefixes(prefix: str) -> list[dict[str, Any]]:
    words = {"match": {"name.prefix": {"query": prefix, "operator": "and"}}}
    return [{"constant_score": {"filter": words}}]


def _suggestions(queries: list[dict[str, Any]], size: int) -> dict[str, Any]:
    return {
        "query": {"dis_max": {"queries": queries}},
        # Available products first; each name once.
        "sort": [{"_score": "desc"}, {"available": "desc"}, {"name.sort": "asc"}],
        "collapse": {"field": "name.sort"},
        "size": size,
        "track_total_hits": False,
        "source": ["name"],
    }


def scope_of(criteria: Criteria) -> str:
    """What a cursor is valid for: everything but the page."""
    c = criteria
    options = repr(c.options) if c.options else ""
    return (
        repr((c.query, c.categories, c.min_price, c.max_price, c.available, _sort_of(c)))
        + c.currency
        + options
    )


def sort_value_types(criteria: Criteria) -> list[tuple[type, ...]]:
    """The allowed types of each of a hit's sort values."""
    return [_SORT_VALUE_TYPES[field] for field in _order(criteria)]


def _order(criteria: Criteria) -> dict[str, str]:
    return {**_SORTS[_sort_of(criteria)], **_TIE_BREAKERS}


def _sort_of(criteria: Criteria) -> Sort:
    return Sort.NEWEST if criteria.sort is Sort.RELEVANCE and not criteria.query else criteria.sort


def search(criteria: Criteria, after: Sequence[Any] | None, *, fuzzy: bool) -> dict[str, Any]:
    """The request for a page."""
    body: dict[str, Any] = {
        "query": {"bool": {"must": _must(criteria.query, fuzzy=fuzzy), "filter": _filters(criteria)}},
        "sort": [{field: direction} for field, direction in _order(criteria).items()],
        # One more than the page, to know whether there is a next one.
        "size": criteria.size + 1,
        "track_total_hits": MAX_COUNT + 1 if criteria.count_total else False,
        "source": ["product"],
    }
    if after is not None:
        body["search_after"] = list(after)
    if criteria.facets:
        body["aggregations"] = FACETS
    if criteria.highlight and criteria.query:
        body["highlight"] = _highlights(criteria.query)
        body["source"] = ["product", "name"]
    return body


def _must(query: str, *, fuzzy: bool) -> dict[str, Any]:
    if not query:
        return {"match_all": {}}
    # The best match determines the score, the others break ties.
    return {
        "dis_max": {
            "tie_breaker": 0.1,
            "queries": [*_exact(query), *(_fuzzy_match(query) if fuzzy else ())],
        }
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
    """The whole SKU, with or without punctuation, or a prefix. A query with a digit or hyphen is more likely meant as a SKU."""
    likely = any(character.isdecimal() or character in "-_/" for character in query)
    boosts = [("term", "sku", 1000.0)]
    # Without punctuation nothing is left of a query of signs, which would match every SKU of signs.
    if any(unicodedata.category(character)[0] in "LMN" for character in query):
        boosts += [("term", "sku.bare", 900.0), ("match", "sku.prefix", 100.0 if likely else 0.5)]
    return [
        {"constant_score": {"filter": {kind: {field: query}}, "boost": boost}}
        for kind, field, boost in boosts
    ]


def _fuzzy_match(query: str) -> list[dict[str, Any]]:
    """Low boosts: fuzzy matches rank below all exact ones."""
    fuzzy = {"query": query, "operator": "and", "type": "best_fields", **_FUZZY, "boost": 0.1}
    fields = ["name.plain^4", "category^2", "description", "name.loose^0.1"]
    pieces = {"match": {"name.pieces": {"query": query, "operator": "and", "boost": 0.05}}}
    prefixes = _last_word_prefix(query) if len(query.split()[-1]) >= _MIN_PREFIX else ()
    return [{"multi_match": {**fuzzy, "fields": fields}}, pieces, *prefixes]


def _last_word_prefix(query: str) -> list[dict[str, Any]]:
    """The last word as the prefix of words that the name separates (Ear Buds), or of the middle of a compound."""
    words = {"query": query, "operator": "and", "boost": 0.05}
    return [{"match_bool_prefix": {field: words}} for field in ("name.loose", "name.pieces")]


def _combinations(options: Sequence[ProductOption]) -> list[str]:
    """Each choice of one value for every option: at most 1,000."""
    choices = [[OptionValue(option.name, value) for value in option.values] for option in options]
    return [combination_key(choice) for choice in product(*choices)]


def _filters(criteria: Criteria) -> list[dict[str, Any]]:
    filters: list[dict[str, Any]] = []
    if criteria.categories is not None:
        filters.append({"terms": {"category_slug": list(criteria.categories)}})
    if criteria.options:
        filters.append({"terms": {"option_combinations": _combinations(criteria.options)}})
    if criteria.available is not None:
        filters.append({"term": {"available": criteria.available}})
    bounds = {"gte": criteria.min_price, "lte": criteria.max_price}
    given: dict[str, Money] = {name: bound for name, bound in bounds.items() if bound is not None}
    if given:
        filters.append({"range": {"price": {name: bound.minor for name, bound in given.items()}}})
    currency = criteria.currency or next((bound.currency for bound in given.values()), "")
    if currency:
        filters.append({"term": {"currency": currency}})
    return filters
