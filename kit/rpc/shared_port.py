"""One port for TLS and plain text, while a deployment introduces TLS (IDENTITY=accept and call).

A gRPC port serves either TLS or plain text. So each has a listener on the loopback, and a connection is forwarded by its first byte. The
extra hop ends with IDENTITY=require.
"""

import asyncio
from contextlib import suppress

# The first byte of a TLS handshake (RFC 8446, section 5.1); HTTP/2 in plain text starts with "PRI".
_HANDSHAKE = b"\x16"
_FIRST_SECONDS = 10.0
_CHUNK = 64 * 1024


class SharedPort:
    """Accepts connections and forwards them to the ports `tls` or `plain` of 127.0.0.1."""

    def __init__(self, *, tls: int, plain: int) -> None:
        self._ports = {True: tls, False: plain}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listens; raises OSError when the address is in use."""
        self._server = await asyncio.start_server(self._accept, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_accepting(self) -> None:
        """Accepts no more connections; open ones continue."""
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        """Closes the connections; call it after the listeners have stopped."""
        self.stop_accepting()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                first = await asyncio.wait_for(reader.readexactly(1), _FIRST_SECONDS)
                await self._forward(first, reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _forward(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(
            "127.0.0.1", self._ports[first == _HANDSHAKE]
        )
        try:
            inner_writer.write(first)
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            inner_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()
