"""Facets: the aggregations of a search, and reading them from a reply."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from catalog.identities import option_identity
from catalog.options import option_from_key
from catalog.search.domain import Facet, FacetValue
from kit.values import CURRENCIES

# Lower bounds of the price ranges, in whole units of the currency.
_PRICE_STEPS: Final = (0, 25, 50, 100, 200, 500, 1000)
_MAX_FACET_CATEGORIES: Final = 50
# The most frequent values of all options together.
_MAX_OPTION_VALUES: Final = 500
_MAX_OPTION_FACETS: Final = 20


def _price_ranges() -> list[dict[str, Any]]:
    """Ranges in minor units, for every exponent that a currency has; `facets` selects those of each currency's exponent."""
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


FACETS: Final[Mapping[str, Any]] = {
    "category": {"terms": {"field": "category_slug", "size": _MAX_FACET_CATEGORIES}},
    "available": {"terms": {"field": "available"}},
    "currency": {
        "terms": {"field": "currency", "size": len(CURRENCIES)},
        "aggregations": {"price": {"range": {"field": "price", "ranges": _price_ranges()}}},
    },
    "option": {"terms": {"field": "option_values", "size": _MAX_OPTION_VALUES}},
}


def facets(reply: Mapping[str, Any]) -> list[Facet]:
    """The facets of a reply, without values that no product has."""
    buckets = {name: aggregation["buckets"] for name, aggregation in reply["aggregations"].items()}
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
        *_option_facets(buckets["option"]),
    ]


def _option_facets(buckets: Sequence[Mapping[str, Any]]) -> list[Facet]:
    """One facet for each option, those with most products first. Spellings of one name or value are counted under the most frequent one."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    spelled: dict[str, str] = {}
    for bucket in buckets:
        option = option_from_key(bucket["key"])
        name, value = option_identity(option.name), option_identity(option.value)
        spelled.setdefault(name, option.name)
        spelled.setdefault(f"{name}={value}", option.value)
        counts[name][value] += bucket["doc_count"]
    facets = [
        Facet(
            f"option.{spelled[name]}",
            tuple(
                FacetValue(spelled[f"{name}={value}"], count)
                for value, count in sorted(values.items(), key=lambda item: -item[1])[:_MAX_FACET_CATEGORIES]
            ),
        )
        for name, values in counts.items()
    ]
    return sorted(facets, key=lambda facet: -facet.values[0].count)[:_MAX_OPTION_FACETS]


def _values(buckets: Sequence[Mapping[str, Any]]) -> tuple[FacetValue, ...]:
    return tuple(FacetValue(bucket["key"], bucket["doc_count"]) for bucket in buckets)
