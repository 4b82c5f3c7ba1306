"""Distributes calls round-robin over as many streams as the peer has replicas, at most MAX_STREAMS.

A single stream would send all calls of a process to one replica. More streams than replicas would cost time, because calls that share a
stream share its messages (ADR 0015). The number of replicas is the number of addresses in DNS; gRPC assigns streams to replicas
round-robin.
"""

import asyncio
import socket
import time
from contextvars import Context

from kit.rpc.connection import Connection
from kit.rpc.stream import Stream
from kit.telemetry import get_logger

log = get_logger("kit.rpc")

_LOOKUP_SECONDS = 10.0
# With more replicas, each client uses a subset.
MAX_STREAMS = 8


class StreamPool:
    """The streams of a connection to `host:port` or `ip:port,ip:port`, opened on demand."""

    def __init__(self, connection: Connection, address: str) -> None:
        self._connection = connection
        self._host, _, self._port = address.rpartition(":")
        self._streams: list[Stream | None] = [None] * min(address.count(",") + 1, MAX_STREAMS)
        self._is_name = "," not in address
        self._last = 0
        self._next_lookup = 0.0
        self._lookup: asyncio.Task[None] | None = None

    def next(self) -> Stream:
        """The stream for the next call."""
        if self._is_name and time.monotonic() > self._next_lookup and self._lookup is None:
            # A fresh context: the lookup belongs to no call.
            self._lookup = asyncio.get_running_loop().create_task(self._resolve_dns(), context=Context())
        self._last = index = (self._last + 1) % len(self._streams)
        stream = self._streams[index]
        if stream is None or not stream.usable or not self._connection.carries(stream):
            if stream is not None:
                stream.retire()
            stream = self._streams[index] = self._connection.stream()
        return stream

    def close(self) -> None:
        """Stops looking up replicas; the streams end with the channel."""
        if self._lookup is not None:
            self._lookup.cancel()

    async def _resolve_dns(self) -> None:
        try:
            addresses = await asyncio.get_running_loop().getaddrinfo(
                self._host.strip("[]"), self._port, type=socket.SOCK_STREAM
            )
            self._resize(min(len({address for *_, address in addresses}), MAX_STREAMS))
        except OSError as error:
            # gRPC reports the failure too; open streams stay open.
            log.debug("rpc.dns_lookup_failed", host=self._host, error=repr(error))
        finally:
            self._next_lookup, self._lookup = time.monotonic() + _LOOKUP_SECONDS, None

    def _resize(self, count: int) -> None:
        for stream in self._streams[count:]:
            if stream is not None:
                stream.retire()
        self._streams = [*self._streams[:count], *[None] * (count - len(self._streams))]
