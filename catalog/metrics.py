"""What the shop's owners want to know of the catalog."""

from prometheus_client import Counter, Histogram

RESERVATIONS = Counter(
    "souk_catalog_reservations_total",
    "Reservations by outcome: held (again too), or the reason of a refusal; committed, commit_too_late, given_back, expired.",
    ["outcome"],
)
SEARCHES = Counter(
    "souk_catalog_searches_total", "Searches, by where the answer came from: cache, exact, fuzzy.", ["answer"]
)
INDEXED = Counter("souk_catalog_indexed_products_total", "Products written to the index.")
REPAIRED = Counter(
    "souk_catalog_index_repairs_total",
    "Products that the index had otherwise than the table, and has no longer.",
)
INDEX_LAG = Histogram(
    "souk_catalog_index_lag_seconds",
    "From a product's change until searches see it.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300),
)
