"""Everything the catalog is made of: the composition root."""

from collections.abc import Sequence

from catalog.consumers import OrderEvents, index_subscription
from catalog.events import TOPIC
from catalog.indexer import Indexer
from catalog.product_cache import CachedProducts
from catalog.reindexing import Reindexer
from catalog.retention import retentions
from catalog.rpc import ProductRpc
from catalog.search import ALIAS, IndexedProducts
from catalog.search_index import DEFINITION, PLUGINS
from catalog.settings import Settings
from catalog.stock_rpc import StockRpc
from catalog.stock_store import PostgresStockStore
from catalog.stock_use_cases import Stock
from catalog.store import PostgresProductStore
from catalog.use_cases import Products
from kit.cache import Cache
from kit.db import Database, Migrations
from kit.errors import InvalidArgument
from kit.identity import identity_from_settings
from kit.search import SearchIndex
from kit.service import AdminVerifierClient, Service
from kit.values import utc_now
from kit.work import PeriodicJob


def build(settings: Settings) -> Service:
    """Builds the service; nothing is opened yet."""
    db = Database(settings.database_url, publishes=TOPIC)
    redis = Cache(settings.redis_url, "catalog")
    elasticsearch = SearchIndex(settings.elasticsearch_url, ALIAS, DEFINITION, plugins=PLUGINS)
    admins = AdminVerifierClient(settings.account_address, identity_from_settings(settings))
    rows = PostgresProductStore(db)
    stock_rows = PostgresStockStore(db)
    cache = CachedProducts(redis, rows, lifetime=settings.cache_seconds)
    index = IndexedProducts(elasticsearch, redis, lifetime=settings.search_cache_seconds)
    products = Products(db, rows, stock_rows, cache, index, admins, clock=utc_now)
    indexer = Indexer(rows, index, cache, clock=utc_now)
    reindexer = Reindexer(rows, index, indexer, clock=utc_now)
    stock = Stock(db, stock_rows, reservation=settings.reservation_seconds, clock=utc_now)

    async def reindex(words: Sequence[str]) -> None:
        if words:
            raise InvalidArgument("usage: reindex")
        print(f"{await reindexer.rebuild()} products indexed")

    return Service(
        name="catalog",
        settings=settings,
        database=db,
        migrations=Migrations("catalog"),
        publishes=TOPIC,
        resources=[db, redis, elasticsearch, admins],
        optional=[redis, elasticsearch, admins],
        rpc=[ProductRpc(products), StockRpc(stock)],
        callers={"ProductService": ["gateway"], "StockService": ["order"]},
        consumes=[
            OrderEvents(stock).subscription(),
            index_subscription(indexer),
        ],
        jobs=[
            PeriodicJob("catalog.expiry", settings.sweep_seconds.total_seconds(), stock.expire),
            PeriodicJob("catalog.availability", 0.5, stock.tell_availability),
            PeriodicJob("catalog.drift", settings.drift_seconds.total_seconds(), reindexer.check),
            *retentions(db, settings),
        ],
        commands={"reindex": reindex},
    )
