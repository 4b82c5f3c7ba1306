"""HTTP connections over the real server: what a client may send, and how each ends."""

import asyncio

import pytest

from gateway.tests.listening import world
from gateway.tests.served_gateway import port

__all__ = ["port", "world"]


async def answered(port: int, sent: bytes, *, more: bytes = b"", every: float = 0.05) -> tuple[str, float]:
    """The status line of what comes back ("" for nothing) and after how many seconds; `more` is sent again and again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    start = loop.time()
    writer.write(sent)

    async def trickle() -> None:
        while more:
            await asyncio.sleep(every)
            writer.write(more)

    trickling = asyncio.create_task(trickle())
    try:
        line = await asyncio.wait_for(reader.readline(), 10)
        while await asyncio.wait_for(reader.read(65536), 10):
            pass
    except ConnectionError:
        line = b""
    finally:
        trickling.cancel()
        writer.close()
    return line.decode().strip(), loop.time() - start


HEAD = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("sent", "more", "status"),
    [
        (b"", b"", ""),
        (b"\r\n", b"\r\n", ""),
        (b"POST /graphql HTTP/1.1\r\nHost: a\r\n", b"", "408"),
        (b"POST /graphql HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n", "408"),
        (b"GET /graphql?query=", b"a", "408"),
    ],
)
async def test_slow_headers_time_out(port: int, sent: bytes, more: bytes, status: str) -> None:
    line, seconds = await answered(port, sent, more=more)
    assert status in line
    assert seconds < 5


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n", "431"),
        (HEAD + b"X: yyyyyyyy\r\n" * 9000 + b"\r\n", "431"),
        (b"GET /graphql?query=" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", "431"),
        (HEAD + b"Content-Length: 23\r\n\r\n" + b'{"query":"{__typename}"}'[:23], "400"),
        (HEAD + b"Content-Length: 24\r\n\r\n" + b'{"query":"{__typename}"}', "200"),
        (
            HEAD + b"Content-Length: 24\r\nX: " + b"y" * 60_000 + b"\r\n\r\n" + b'{"query":"{__typename}"}',
            "200",
        ),
        (HEAD + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000, "413"),
        (HEAD + b"Content-Length: 1000\r\n\r\n{", "408"),
        (
            HEAD
            + b"Transfer-Encoding: chunked\r\n\r\n18\r\n"
            + b'{"query":"{__typename}"}'
            + b"\r\n0\r\n\r\n",
            "200",
        ),
        (b"NONSENSE\r\n\r\n", "400"),
    ],
)
async def test_http_limits_hold(port: int, sent: bytes, status: str) -> None:
    line, seconds = await answered(port, sent)
    assert status in line
    assert seconds < 8


async def test_a_connection_serves_one_request_after_another(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"query":"{__typename}"}'
    request = HEAD.replace(b"Connection: close\r\n", b"") + b"Content-Length: 24\r\n\r\n" + body
    for sent in (request, request + request, request[:50]):
        writer.write(sent)
        for _ in range(sent.count(body)):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 200")
            size = int(head.lower().partition(b"content-length:")[2].split()[0])
            assert b"Query" in await reader.readexactly(size)
    # The third never finishes its head.
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 408")


async def test_a_response_before_the_end_of_its_request_closes_the_connection(port: int) -> None:
    sent = HEAD.replace(b"application/json", b"text/plain").replace(b"Connection: close\r\n", b"")
    line, seconds = await answered(port, sent + b"Content-Length: 1000000\r\n\r\n", more=b"x")
    assert "415" in line
    assert seconds < 5
