"""The network between the components of a stack: TCP proxies that can be made slow, silent or broken.

Every proxy belongs to one caller and one port, so that one replica can lose its database while another keeps it. All proxies share one
thread with its own event loop.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Self, TypeVar

T = TypeVar("T")
_SECONDS = 10.0
# SO_LINGER with a timeout of 0: close() sends a reset.
_NO_LINGER = struct.pack("ii", 1, 0)


class Network:
    """The proxies by caller and callee. A context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._links: dict[tuple[str, str], _Link] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def link(self, caller: str, callee: str, port: int) -> int:
        """The port by which `caller` reaches `callee`, which listens on `port` of 127.0.0.1."""
        if (caller, callee) not in self._links:
            link = _Link(port)
            self._run(link.open())
            self._links[caller, callee] = link
        return self._links[caller, callee].port

    def cut(self, caller: str, callee: str = "") -> None:
        """Resets the connections between the two and rejects new ones until `heal`. An empty name means any caller or callee."""
        self._change(caller, callee, _Link.cut)

    def reset(self, caller: str, callee: str = "") -> None:
        """Resets the connections; new ones work."""
        self._change(caller, callee, _Link.reset)

    def block(self, caller: str, callee: str = "") -> None:
        """Delays all data, without an error, until `heal`."""
        self._change(caller, callee, _Link.block)

    def vanish(self, caller: str, callee: str = "") -> None:
        """As when a host crashes: the connections stay open at `callee`, which gets no FIN or reset; new ones work."""
        self._change(caller, callee, _Link.vanish)

    def slow(self, caller: str, callee: str, seconds: float) -> None:
        """Adds this latency in each direction, until `heal`."""
        self._change(caller, callee, lambda link: link.slow(seconds))

    def heal(self) -> None:
        """Restores every link."""
        self._change("", "", _Link.heal)

    def _change(self, caller: str, callee: str, change: Callable[[_Link], None]) -> None:
        links = [
            link
            for (source, target), link in self._links.items()
            if caller in ("", source) and callee in ("", target)
        ]
        if not links:
            raise KeyError(f"no link from {caller or 'anyone'} to {callee or 'anyone'}")
        self._run(_apply(links, change))

    async def _close(self) -> None:
        for link in self._links.values():
            link.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_SECONDS)


async def _apply(links: Iterable[_Link], change: Callable[[_Link], None]) -> None:
    for link in links:
        change(link)


class _Link:
    """One proxy."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay = 0.0
        self.unblocked = asyncio.Event()
        self.unblocked.set()
        self.is_cut = False
        self.sides: set[_Side] = set()
        self.target = target
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Starts listening."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _CallerSide(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stops listening and resets all connections."""
        assert self._server is not None
        self._server.close()
        self.reset()

    def cut(self) -> None:
        self.is_cut = True
        self.reset()

    def reset(self) -> None:
        for side in list(self.sides):
            side.reset()

    def block(self) -> None:
        self.unblocked.clear()

    def vanish(self) -> None:
        for side in list(self.sides):
            if isinstance(side, _CallerSide):
                side.vanish()

    def slow(self, seconds: float) -> None:
        self.delay = seconds

    def heal(self) -> None:
        self.is_cut = False
        self.unblocked.set()
        self.delay = 0.0
        for side in list(self.sides):
            side.flush()


class _Side(asyncio.Protocol):
    """One of the two sockets of a proxied connection."""

    def __init__(self, link: _Link) -> None:
        self.link = link
        self.other: _Side | None = None
        self.transport: Any = None
        # Data to send from this side once its time has come and the link is not blocked; None closes the connection.
        self._waiting: list[tuple[float, bytes | None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.link.sides.add(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.send(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.link.sides.discard(self)
        if self.other is not None:
            # The close is delayed like the data before it.
            self.other.send(None)
            self.other.other = None
            self.other = None

    def send(self, data: bytes | None) -> None:
        """Forwards what the other side received; None: it was closed."""
        self._waiting.append((asyncio.get_running_loop().time() + self.link.delay, data))
        self.flush()

    def flush(self) -> None:
        """Sends what is due."""
        if not self.link.unblocked.is_set() or self.transport is None:
            return
        now = asyncio.get_running_loop().time()
        while self._waiting and self._waiting[0][0] <= now:
            _, data = self._waiting.pop(0)
            if data is None:
                self.transport.close()
            else:
                self.transport.write(data)
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(self._waiting[0][0], self._timed)

    def _timed(self) -> None:
        self._timer = None
        self.flush()

    def reset(self) -> None:
        """Closes it with a reset."""
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()


class _CallerSide(_Side):
    """The caller's connection, which opens the one to the callee."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self.link.is_cut:
            self.reset()
            return
        self.other = _Side(self.link)
        self.other.other = self
        self._connecting = asyncio.ensure_future(self._connect(self.other))

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None and self.other.transport is None:
            self._connecting.cancel()
        super().connection_lost(error)

    async def _connect(self, callee_side: _Side) -> None:
        await self.link.unblocked.wait()
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: callee_side, "127.0.0.1", self.link.target
            )
            callee_side.flush()
        except OSError:
            self.reset()

    def vanish(self) -> None:
        """The callee's connection stays open, but is no longer read or written."""
        if self.other is not None:
            self.other.other = None
            self.other = None
        self.reset()
