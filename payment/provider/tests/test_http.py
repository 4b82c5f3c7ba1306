"""The HTTP client beneath Stripe's SDK against a server whose responses the test writes, byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import stripe

from kit.testing import free_port
from payment.provider.stripe_http import StripeHttp

OK = b"HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\nContent-Length: 2\r\n\r\n{}"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
TRUNCATED = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"


class Server:
    """Writes `response` to every request; closes the connection after one that is incomplete."""

    def __init__(self) -> None:
        self.response = OK
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.response)
                if self.response == TRUNCATED:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server, port = Server(), free_port()
    server.url = f"http://127.0.0.1:{port}"
    async with await asyncio.start_server(server.serve, "127.0.0.1", port):
        yield server


@asynccontextmanager
async def client(url: str, *, timeout_seconds: float = 8.0) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Returns the status of a POST without a body."""
    http = StripeHttp(url, timeout_seconds=timeout_seconds)

    async def post() -> int:
        _, status, headers = await http.request_async("post", f"{url}/v1/payment_intents", {})
        assert headers.get("request-id") == headers.get("Request-Id")
        return status

    yield post
    await http.close_async()


async def test_calls_one_after_another_share_a_connection(server: Server) -> None:
    async with client(server.url) as post:
        assert [await post() for _ in range(3)] == [200, 200, 200]
    assert server.connections == 1


async def test_a_redirect_is_not_followed_because_it_would_make_a_post_a_get(server: Server) -> None:
    server.response = MOVED
    async with client(server.url) as post:
        assert await post() == 302
    assert len(server.requests) == 1


async def test_a_response_that_breaks_off_is_no_response(server: Server) -> None:
    server.response = TRUNCATED
    async with client(server.url) as post:
        with pytest.raises(stripe.APIConnectionError):
            await post()


async def test_a_response_that_does_not_end_in_time_is_no_response(server: Server) -> None:
    server.response = TRUNCATED[:-1]
    async with client(server.url, timeout_seconds=0.2) as post:
        with pytest.raises(stripe.APIConnectionError):
            await post()


async def test_a_closed_client_opens_connections_again(server: Server) -> None:
    http = StripeHttp(server.url, timeout_seconds=8.0)
    for _ in range(2):
        assert (await http.request_async("get", f"{server.url}/v1/charges", {}))[1] == 200
        await http.close_async()
    assert server.connections == 2


async def test_the_environments_proxy_is_used_unless_it_excludes_the_host(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    async with client("http://stripe.test") as post:
        assert await post() == 200
    assert server.requests[0].startswith(b"POST http://stripe.test/v1/payment_intents ")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with client(server.url) as post:
        assert await post() == 200
    assert server.requests[1].startswith(b"POST /v1/payment_intents ")
