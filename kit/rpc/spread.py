"""Which stream a call goes on: as many as the peer has replicas, each call on the next.

With one stream, all that a process calls would go to one replica, and three callers would never use more than three. Streams beyond
what is needed cost: calls that share a stream share its messages (ADR 0015). How many replicas there are is what the peer's name says;
which replica a stream goes to is gRPC's choice, that of the next in turn.
"""

import asyncio
import socket
import time
from contextvars import Context

from kit.rpc.connection import Connection
from kit.rpc.stream import Stream
from kit.telemetry import get_logger

log = get_logger("kit.rpc")

_LOOK_SECONDS = 10.0
# Of more replicas than these each caller uses some, and others use others.
MOST_STREAMS = 8


class Spread:
    """The streams of a connection to `host:port` or to `ip:port,ip:port`, opened as they are needed."""

    def __init__(self, connection: Connection, address: str) -> None:
        self._connection = connection
        self._host, _, self._port = address.rpartition(":")
        self._streams: list[Stream | None] = [None] * min(address.count(",") + 1, MOST_STREAMS)
        self._is_name = "," not in address
        self._turn = 0
        self._look_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    def next(self) -> Stream:
        """The stream for the next call."""
        if self._is_name and time.monotonic() > self._look_at and self._looking is None:
            # No call's own.
            self._looking = asyncio.get_running_loop().create_task(self._look(), context=Context())
        self._turn = turn = (self._turn + 1) % len(self._streams)
        stream = self._streams[turn]
        if stream is None or not stream.usable or not self._connection.carries(stream):
            if stream is not None:
                stream.retire()
            stream = self._streams[turn] = self._connection.stream()
        return stream

    def close(self) -> None:
        """Looks for replicas no more; the streams end with the channel."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self._host.strip("[]"), self._port, type=socket.SOCK_STREAM
            )
            self._use(min(len({address for *_, address in found}), MOST_STREAMS))
        except OSError as error:
            # gRPC notices too, and what is open stays so.
            log.debug("rpc.name_unknown", host=self._host, error=repr(error))
        finally:
            self._look_at, self._looking = time.monotonic() + _LOOK_SECONDS, None

    def _use(self, count: int) -> None:
        for stream in self._streams[count:]:
            if stream is not None:
                stream.retire()
        self._streams = [*self._streams[:count], *[None] * (count - len(self._streams))]
