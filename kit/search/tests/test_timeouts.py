"""How long a request may take: work on a whole index takes longer than a search."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kit.search import SearchIndex, SearchUnavailable

# Longer than a search may take.
_SLOW_SECONDS = 6.0


@pytest.fixture
async def index() -> AsyncIterator[SearchIndex]:
    async def respond(request: web.Request) -> web.Response:
        await asyncio.sleep(_SLOW_SECONDS)
        return web.json_response({"_shards": {}}, headers={"X-Elastic-Product": "Elasticsearch"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", respond)
    async with TestServer(application) as server:
        index = SearchIndex(str(server.make_url("")).rstrip("/"), "products", {})
        yield index
        await index.close()


async def test_a_refresh_of_a_large_index_may_take_longer_than_a_search(index: SearchIndex) -> None:
    await index.refresh(index="products-000002")


async def test_a_search_that_takes_that_long_has_failed(index: SearchIndex) -> None:
    with pytest.raises(SearchUnavailable):
        await index.search({})
