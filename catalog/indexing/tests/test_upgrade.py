"""Upgrades: an index of the release before ICU serves both releases until it is rebuilt. And Elasticsearch without the plugin."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any
from uuid import uuid4

import pytest

from catalog.app import build
from catalog.indexing.definition import DEFINITION, PLUGINS
from catalog.indexing.domain import IndexRow
from catalog.indexing.index import ProductIndex
from catalog.search.domain import Sort
from catalog.search.index import ElasticsearchIndexReader
from catalog.settings import Settings
from catalog.tests.indexed import Index, elasticsearch, redis
from kit.cache import Cache
from kit.search import PluginsMissing, SearchIndex, SearchUnavailable
from kit.settings import load
from kit.testing import Elasticsearch, FakeClock, Redis

__all__ = ["elasticsearch", "redis"]

BEFORE: Any = json.loads(Path(__file__).with_name("index_before_icu.json").read_text())


@pytest.fixture
async def both(elasticsearch: Elasticsearch, redis: Redis) -> AsyncIterator[tuple[SearchIndex, Index]]:
    """An alias on an index with the previous definition, and its use with the current one."""
    alias = f"products-{uuid4().hex}"
    old, new = (
        SearchIndex(elasticsearch.url(), alias, definition, plugins=PLUGINS)
        for definition in (BEFORE, DEFINITION)
    )
    cache = Cache(redis.url(), alias)
    await old.ensure_index()
    reader = ElasticsearchIndexReader(new, cache, lifetime=timedelta(milliseconds=1))
    yield new, Index(ProductIndex(new, cache), reader, FakeClock())
    for part in (old, new, cache):
        await part.close()


async def test_an_index_of_the_previous_release_is_written_and_searched_until_it_is_rebuilt(
    both: tuple[SearchIndex, Index],
) -> None:
    search, index = both
    products = [
        index.product(name, sku="MUG-1" if name == "Mug" else "") for name in ("Mug", "Ear-Buds", "Laptop")
    ]
    await index.write(*products)

    for query in ("mug", "mgu", "MUG-1", "fish & chips", "ear buds", "250 g", "f#"):
        for sort in Sort:
            await index.search(query, sort=sort, facets=True, highlight=True, count_total=True)
        await index.reader.suggest(query, 10)
    assert await index.names("laptpo") == ["Laptop"]
    assert await index.names("mug") == ["Mug"]
    assert await index.names(sort=Sort.PRICE_ASC) == await index.names()
    assert await index.names("earbuds") == []

    new = await index.writer.create_generation()
    await index.writer.write([IndexRow(product, True, True) for product in products], index=new)
    await index.writer.switch_alias(new)

    assert await index.names("earbuds") == ["Ear-Buds"]
    # A replica of the previous release writes the same documents.
    await index.write(index.product("E-Book"))
    assert await index.names("ebook") == ["E-Book"]
    await search.delete_unused_indices()
    assert await index.names("ebook") == ["E-Book"]


def searching(url: str) -> Any:
    """The catalog's own search, as the service builds it."""
    environment = {
        "JWKS_URL": "http://127.0.0.1:9",
        "KAFKA_BOOTSTRAP": "127.0.0.1:9",
        "DATABASE_URL": "postgresql://souk@127.0.0.1:9/catalog",
        "REDIS_URL": "redis://127.0.0.1:9",
        "ACCOUNT_ADDRESS": "127.0.0.1:9",
    }
    service = build(load(Settings, {**environment, "ELASTICSEARCH_URL": url}))
    return next(part for part in service.optional if part.name == "elasticsearch")


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Elasticsearch without the plugin."""
    server = Elasticsearch(tmp_path_factory.mktemp("stock"))
    home = tmp_path_factory.mktemp("home") / "home"
    copytree(server.home, home, ignore=ignore_patterns("analysis-icu"))
    server.home = home
    server.start()
    yield server
    server.stop()


async def test_the_catalog_does_not_start_if_elasticsearch_lacks_the_plugin(stock: Elasticsearch) -> None:
    search = searching(stock.url())

    with pytest.raises(PluginsMissing) as error:
        await search.open()
    await search.close()

    assert "lacks the plugin analysis-icu on dev" in error.value.message
    assert "elasticsearch-plugin install analysis-icu" in error.value.message


async def test_no_index_is_created_without_the_plugin(stock: Elasticsearch) -> None:
    search = SearchIndex(stock.url(), "products", DEFINITION, plugins=PLUGINS)

    with pytest.raises(SearchUnavailable):
        await search.search({"size": 1})
    with pytest.raises(SearchUnavailable):
        await search.ensure_index()
    with pytest.raises(PluginsMissing):
        await search.create_index("products-000001")
    await search.close()


async def test_the_catalog_starts_while_elasticsearch_is_down() -> None:
    search = searching("http://127.0.0.1:9")

    await search.open()
    await search.close()
