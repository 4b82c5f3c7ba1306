"""Business metrics of the catalog."""

from prometheus_client import Counter, Histogram

from kit.telemetry import start_at_zero

RESERVATIONS = Counter(
    "souk_catalog_reservations_total",
    "Reservations by outcome: held (repeated requests too), the reason of a rejection, committed, commit_too_late, released, expired.",
    ["outcome"],
)
SEARCHES = Counter(
    "souk_catalog_searches_total",
    "Searches and suggestions by the source of the result: cache, exact, fuzzy.",
    ["source"],
)
INDEXED = Counter("souk_catalog_indexed_products_total", "Products written to the index.")
REPAIRED = Counter(
    "souk_catalog_index_repairs_total", "Products whose document differed from the tables and was repaired."
)
INDEX_LAG = Histogram(
    "souk_catalog_index_lag_seconds",
    "Time from a product's change until searches see it.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300),
)
start_at_zero(RESERVATIONS, "held", "out_of_stock", "committed", "commit_too_late", "released", "expired")
start_at_zero(SEARCHES, "cache", "exact", "fuzzy")
