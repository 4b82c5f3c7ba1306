"""A load balancer in front of replicas, as a cluster's Service is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Self

# In a cluster, proxies learn of a terminating replica a little after the replica itself.
_WITHDRAWAL_SECONDS = 0.5
# Address and port of a replica.
Endpoint = tuple[str, int]


class Balancer:
    """A TCP proxy that distributes connections round-robin over replicas."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = list(endpoints)
        self._next = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The address for clients."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    def add(self, endpoint: Endpoint) -> None:
        """Gives new connections to one more replica."""
        self._endpoints.append(endpoint)

    async def remove(self, endpoint: Endpoint) -> None:
        """Withdraws a replica for new connections after a short delay; existing ones continue."""
        await asyncio.sleep(_WITHDRAWAL_SECONDS)
        self._endpoints.remove(endpoint)

    @contextlib.asynccontextmanager
    async def without(self, endpoint: Endpoint) -> AsyncIterator[None]:
        """Removes a replica, and adds it again."""
        removing = asyncio.create_task(self.remove(endpoint))
        try:
            yield
        finally:
            await removing
            self.add(endpoint)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._next += 1
        address, port = self._endpoints[self._next % len(self._endpoints)]
        try:
            inner_reader, inner_writer = await asyncio.open_connection(address, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # If one side closes, the other connection is closed too.
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
