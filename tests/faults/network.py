"""The network between the parts of a stack: a TCP proxy on every way from one part to another, which can be made slow, silent or broken.

A proxy belongs to one caller and one port, so that one replica can lose its database while the other keeps it. All proxies run in one
thread with a loop of its own.
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
# An end without farewell: the other side gets a reset.
_NO_LINGER = struct.pack("ii", 1, 0)


class Network:
    """The proxies, by caller and by what they lead to. A context manager."""

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
        """Resets the connections between the two and refuses new ones until `heal`. An empty name: to anyone; from anyone."""
        self._each(caller, callee, _Link.cut)

    def reset(self, caller: str, callee: str = "") -> None:
        """Resets the connections; new ones work."""
        self._each(caller, callee, _Link.reset)

    def block(self, caller: str, callee: str = "") -> None:
        """Nothing passes, in silence, until `heal`; then what was sent arrives."""
        self._each(caller, callee, _Link.block)

    def lose(self, caller: str, callee: str = "") -> None:
        """As when a host vanishes: `callee` keeps its ends of the connections and never learns of their end; new ones work."""
        self._each(caller, callee, _Link.lose)

    def slow(self, caller: str, callee: str, seconds: float) -> None:
        """Everything takes so much longer each way, until `heal`."""
        self._each(caller, callee, lambda link: link.slow(seconds))

    def heal(self) -> None:
        """Every link is as it should be."""
        self._each("", "", _Link.heal)

    def _each(self, caller: str, callee: str, change: Callable[[_Link], None]) -> None:
        links = [
            link
            for (from_part, to_part), link in self._links.items()
            if caller in ("", from_part) and callee in ("", to_part)
        ]
        if not links:
            raise KeyError(f"no way from {caller or 'anyone'} to {callee or 'anyone'}")
        self._run(_change(links, change))

    async def _close(self) -> None:
        for link in self._links.values():
            link.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)


async def _change(links: Iterable[_Link], change: Callable[[_Link], None]) -> None:
    for link in links:
        change(link)


class _Link:
    """One proxy."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay = 0.0
        self.passes = asyncio.Event()
        self.passes.set()
        self.is_cut = False
        self.sides: set[_Side] = set()
        self.target = target
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listens."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Near(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Ends everything."""
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
        self.passes.clear()

    def lose(self) -> None:
        for side in list(self.sides):
            if isinstance(side, _Near):
                side.lose()

    def slow(self, seconds: float) -> None:
        self.delay = seconds

    def heal(self) -> None:
        self.is_cut = False
        self.passes.set()
        self.delay = 0.0
        for side in list(self.sides):
            side.flush()


class _Side(asyncio.Protocol):
    """One of the two connections of a way through a proxy."""

    def __init__(self, link: _Link) -> None:
        self.link = link
        self.other: _Side | None = None
        self.transport: Any = None
        # What waits for its time, or for the link to heal, on its way out of this side.
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
            # The end of a connection takes the same way as its bytes.
            self.other.send(None)
            self.other.other = None
            self.other = None

    def send(self, data: bytes | None) -> None:
        """Sends on what the other side got; None: its end."""
        self._waiting.append((asyncio.get_running_loop().time() + self.link.delay, data))
        self.flush()

    def flush(self) -> None:
        """Sends what may go now."""
        if not self.link.passes.is_set() or self.transport is None:
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
        """Ends it without farewell."""
        if self.transport is None:
            return
        opened = self.transport.get_extra_info("socket")
        if opened is not None and opened.fileno() >= 0:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()


class _Near(_Side):
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

    async def _connect(self, far: _Side) -> None:
        await self.link.passes.wait()
        try:
            await asyncio.get_running_loop().create_connection(lambda: far, "127.0.0.1", self.link.target)
            far.flush()
        except OSError:
            self.reset()

    def lose(self) -> None:
        """The callee's side stays as it is, and nothing comes of it any more."""
        if self.other is not None:
            self.other.other = None
            self.other = None
        self.reset()
