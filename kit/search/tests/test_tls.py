"""Elasticsearch by TLS: a server that says it is one, with a certificate of an authority of the test's own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from kit.search import SearchIndex, SearchUnavailable
from kit.testing import free_port
from kit.testing.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def address(authority: Authority) -> AsyncIterator[str]:
    """Of a server that answers only who knows the password."""

    async def health(request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == "Basic Y2F0YWxvZzpzZWNyZXQ="
        return web.json_response(
            {"status": "green"}, status=200 if known else 401, headers={"X-Elastic-Product": "Elasticsearch"}
        )

    app = web.Application()
    app.router.add_get("/_cluster/health", health)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server("elasticsearch"))
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    yield f"https://catalog:secret@127.0.0.1:{port}"
    await runner.cleanup()


async def requested(url: str) -> None:
    search = SearchIndex(url, "things", {})
    try:
        await asyncio.wait_for(search.ping(), 10)
    finally:
        await search.close()


async def test_a_server_is_believed_whose_authority_the_url_names(authority: Authority, address: str) -> None:
    await requested(f"{address}?ca={authority.certificate}")


async def test_a_server_of_another_authority_is_not(tmp_path: Path, address: str) -> None:
    with pytest.raises(SearchUnavailable):
        await requested(f"{address}?ca={Authority(tmp_path, 'other').certificate}")
    with pytest.raises(SearchUnavailable):
        await requested(address)
