"""Protobuf messages of search <-> the domain, with the rules for its inputs."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.identities import option_identity
from catalog.options import ProductOption
from catalog.products.messages import product_to_proto
from catalog.search.domain import Criteria, Facet, SearchResult, Sort
from kit.values import CURRENCIES, FieldReader, Money, money_from_proto

_DEFAULT_SUGGESTIONS: Final = 10
_MAX_QUERY: Final = 200
_MAX_CATEGORIES: Final = 100
_MAX_CATEGORY: Final = 100
_MAX_OPTIONS: Final = 3
_MAX_OPTION_VALUES: Final = 10
_MAX_OPTION: Final = 100
# Checking a request takes longer than the rest of an answer from Redis. Most requests have less than 100 bytes.
_CACHED_REQUESTS: Final = 1024
_MAX_CACHED_REQUEST_BYTES: Final = 1024


def prefix_from_proto(request: pb.SuggestProductsRequest) -> tuple[str, int]:
    """The prefix and the number of suggestions; raises InvalidArgument with all violations."""
    reader = FieldReader()
    prefix = reader.text(request.prefix, "prefix", max_length=_MAX_QUERY)
    size = reader.page_size(request.page_size, "first", default=_DEFAULT_SUGGESTIONS)
    reader.raise_if_invalid()
    return prefix, size


def criteria_from_proto(request: pb.SearchProductsRequest) -> Criteria:
    """Raises InvalidArgument with all violations."""
    encoded = request.SerializeToString()
    return (_criteria if len(encoded) <= _MAX_CACHED_REQUEST_BYTES else _criteria.__wrapped__)(encoded)


@lru_cache(_CACHED_REQUESTS)
def _criteria(encoded: bytes) -> Criteria:
    request = pb.SearchProductsRequest.FromString(encoded)
    reader = FieldReader()
    min_price, max_price = _price_bounds(reader, request)
    categories = _categories(reader, request)
    criteria = Criteria(
        query=reader.text(request.query, "query", max_length=_MAX_QUERY),
        categories=categories,
        min_price=min_price,
        max_price=max_price,
        available=request.available if request.HasField("available") else None,
        sort=_sort(reader, request.sort),
        size=reader.page_size(request.page_size, "first"),
        after=request.page_token,
        count_total=request.count_total,
        facets=request.count_facets,
        highlight=request.highlight,
        currency=request.currency,
        options=_options(reader, request.options),
    )
    reader.raise_if_invalid()
    return criteria


def _price_bounds(
    reader: FieldReader, request: pb.SearchProductsRequest
) -> tuple[Money | None, Money | None]:
    low = (
        money_from_proto(request.min_price, "filter", "price", "min")
        if request.HasField("min_price")
        else None
    )
    high = (
        money_from_proto(request.max_price, "filter", "price", "max")
        if request.HasField("max_price")
        else None
    )
    bounds = [bound for bound in (low, high) if bound is not None]
    path = ("filter", "price")
    reader.require(all(bound.minor >= 0 for bound in bounds), "must not be negative", *path)
    ordered = len(bounds) < 2 or (
        bounds[0].currency == bounds[1].currency and bounds[0].minor <= bounds[1].minor
    )
    reader.require(ordered, "min must not exceed max, in one currency", *path)
    _check_currency(reader, request.currency, bounds)
    return low, high


def _check_currency(reader: FieldReader, code: str, bounds: list[Money]) -> None:
    path = ("filter", "price", "currency")
    reader.require(not code or code in CURRENCIES, f"must be one of {', '.join(sorted(CURRENCIES))}", *path)
    same = all(bound.currency == code for bound in bounds)
    reader.require(not code or same, "must be the currency of min and max", *path)


def _categories(reader: FieldReader, request: pb.SearchProductsRequest) -> tuple[str, ...] | None:
    has_filter = request.HasField("category_filter")
    categories = request.category_filter.values if has_filter else request.categories
    path = ("filter", "categories")
    reader.require(len(categories) <= _MAX_CATEGORIES, f"must name at most {_MAX_CATEGORIES}", *path)
    # Slugs are stored in NFC.
    slugs = {
        reader.text(category, *path, index, max_length=_MAX_CATEGORY)
        for index, category in enumerate(categories[:_MAX_CATEGORIES])
    }
    return tuple(sorted(slugs)) if has_filter or categories else None


def _options(
    reader: FieldReader, filters: Sequence[pb.SearchProductsRequest.OptionFilter]
) -> tuple[ProductOption, ...]:
    path = ("filter", "options")
    reader.require(len(filters) <= _MAX_OPTIONS, f"must name at most {_MAX_OPTIONS}", *path)
    options = []
    for index, option in enumerate(filters[:_MAX_OPTIONS]):
        name = reader.text(option.name, *path, index, "name", min_length=1, max_length=_MAX_OPTION)
        count = 1 <= len(option.values) <= _MAX_OPTION_VALUES
        rule = f"must have between 1 and {_MAX_OPTION_VALUES}"
        reader.require(count, rule, *path, index, "values")
        values = {
            option_identity(reader.text(value, *path, index, "values", place, max_length=_MAX_OPTION))
            for place, value in enumerate(option.values[:_MAX_OPTION_VALUES])
        }
        options.append(ProductOption(option_identity(name), tuple(sorted(values))))
    different = len({option.name for option in options}) == len(options)
    reader.require(different, "must name each option at most once", *path)
    return tuple(sorted(options, key=lambda option: option.name))


def _sort(reader: FieldReader, number: int) -> Sort:
    name = pb.ProductSort.Name(number) if number in pb.ProductSort.values() else ""
    if number == pb.PRODUCT_SORT_UNSPECIFIED:
        return Sort.RELEVANCE
    reader.require(bool(name), "must be a known sort", "sort")
    return Sort(name.removeprefix("PRODUCT_SORT_")) if name else Sort.RELEVANCE


def encode_page(result: SearchResult) -> bytes:
    """The response without stock, in which form Redis stores it."""
    highlights = result.highlights or [""] * len(result.hits)
    hits = [
        pb.SearchProductsResponse.Hit(product=product_to_proto(product), cursor=cursor, highlight=highlight)
        for (product, cursor), highlight in zip(result.hits, highlights, strict=True)
    ]
    page = pb.SearchProductsResponse(
        hits=hits, has_next_page=result.has_next, total_count=result.total, facets=map(_facet, result.facets)
    )
    return page.SerializeToString()


def _facet(facet: Facet) -> pb.Facet:
    values = [pb.FacetValue(value=value.value, count=value.count) for value in facet.values]
    return pb.Facet(name=facet.name, values=values)
