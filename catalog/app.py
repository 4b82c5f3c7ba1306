"""The composition root of the catalog."""

from collections.abc import Sequence

from catalog.categories.rpc import CategoriesRpc
from catalog.categories.store import PostgresCategoryStore
from catalog.categories.use_cases import Categories
from catalog.events import TOPIC
from catalog.indexing.consumers import index_subscription
from catalog.indexing.definition import DEFINITION, PLUGINS
from catalog.indexing.index import ALIAS, ProductIndex
from catalog.indexing.indexer import Indexer
from catalog.indexing.reindexing import Reindexer
from catalog.indexing.store import PostgresIndexSource
from catalog.products.cache import CachedProducts
from catalog.products.rpc import ProductsRpc
from catalog.products.store import PostgresProductStore
from catalog.products.use_cases import Products
from catalog.reservations.consumers import OrderEvents
from catalog.reservations.rpc import ReservationRpc
from catalog.reservations.store import PostgresReservationStore
from catalog.reservations.use_cases import Reservations
from catalog.retention import retentions
from catalog.rpc import ProductServiceRpc, StockServiceRpc, VariantServiceRpc
from catalog.search.index import ElasticsearchIndexReader
from catalog.search.rpc import SearchRpc
from catalog.search.use_cases import ProductSearch
from catalog.settings import Settings
from catalog.stock.rpc import StockRpc
from catalog.stock.store import PostgresStockStore
from catalog.stock.use_cases import Stock
from catalog.variant_changes.rpc import VariantChangesRpc
from catalog.variant_changes.store import PostgresVariantStore
from catalog.variant_changes.use_cases import VariantChanges
from catalog.variants.rpc import VariantPricesRpc, VariantReadsRpc
from catalog.variants.store import PostgresVariantReader
from catalog.variants.use_cases import Variants
from kit.cache import Cache
from kit.db import Database, Migrations
from kit.errors import InvalidArgument
from kit.identity import identity_from_settings
from kit.search import SearchIndex
from kit.service import AdminVerifierClient, Service
from kit.work import PeriodicJob


def build(settings: Settings) -> Service:
    """Builds the service without opening connections."""
    db = Database(settings.database_url, publishes=TOPIC)
    redis = Cache(settings.redis_url, "catalog")
    elasticsearch = SearchIndex(settings.elasticsearch_url, ALIAS, DEFINITION, plugins=PLUGINS)
    admins = AdminVerifierClient(settings.account_address, identity_from_settings(settings))

    product_rows, stock_rows = PostgresProductStore(db), PostgresStockStore(db)
    cache = CachedProducts(redis, product_rows, lifetime=settings.cache_seconds)
    products = Products(db, product_rows, stock_rows, cache, clock=db.clock)
    variants = Variants(PostgresVariantReader(db), cache)
    variant_changes = VariantChanges(db, PostgresVariantStore(db), stock_rows, cache, clock=db.clock)
    categories = Categories(PostgresCategoryStore(db))
    stock = Stock(db, stock_rows, product_rows, clock=db.clock)
    reservations = Reservations(
        db, PostgresReservationStore(db), lifetime=settings.reservation_seconds, clock=db.clock
    )
    search_index = ElasticsearchIndexReader(elasticsearch, redis, lifetime=settings.search_cache_seconds)
    search = ProductSearch(search_index)

    source, index = PostgresIndexSource(db), ProductIndex(elasticsearch, redis)
    indexer = Indexer(source, index, cache, clock=db.clock)
    reindexer = Reindexer(source, index, indexer, clock=db.clock)

    async def reindex(args: Sequence[str]) -> None:
        if args:
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
        rpc=[
            ProductServiceRpc(
                ProductsRpc(products, admins),
                CategoriesRpc(categories),
                StockRpc(stock, admins),
                SearchRpc(search, products),
            ),
            StockServiceRpc(ReservationRpc(reservations), VariantPricesRpc(variants)),
            VariantServiceRpc(
                VariantReadsRpc(variants), VariantChangesRpc(variant_changes, products, admins)
            ),
        ],
        callers={"ProductService": ["gateway"], "StockService": ["order"], "VariantService": ["gateway"]},
        consumes=[OrderEvents(reservations).subscription(), index_subscription(indexer)],
        jobs=[
            PeriodicJob("catalog.expiry", settings.sweep_seconds.total_seconds(), reservations.expire),
            PeriodicJob("catalog.availability", 0.5, stock.publish_availability_changes),
            PeriodicJob("catalog.drift", settings.drift_seconds.total_seconds(), reindexer.check),
            *retentions(db, settings),
        ],
        commands={"reindex": reindex},
    )
