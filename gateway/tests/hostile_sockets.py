"""Sockets of hostile clients, and what is measured of them."""

import asyncio
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.tests.listening import SUBSCRIBE
from gateway.tests.served import CONTINUED, PING, TEXT, RawSocket, dial, frame

ACCOUNTS = 100
# Its answer repeats the name, and costs nothing to make.
_LARGE_ANSWER = "{ " + "x" * 15_000 + " }"


@dataclass
class Measurements:
    """What was measured."""

    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    # What the gateway worked from each request to its answer: how long it would have taken with a processor of its own.
    worked: list[float] = field(default_factory=list)
    resident_bytes: int = 0
    cpu_seconds: float = 0.0
    sockets: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    still_open: int = 0

    def report(self) -> dict[str, object]:
        """As it is printed."""
        return {
            "sockets": self.sockets,
            "outcomes": dict(sorted(self.outcomes.items())),
            "still open": self.still_open,
            "requests": len(self.during),
            "p95 before, ms": round(1000 * p95(self.before), 1),
            "p95 during, ms": round(1000 * p95(self.during), 1),
            "p95 during, ms of the gateway's CPU": round(1000 * p95(self.worked), 1),
            "resident at most, MiB": round(self.resident_bytes / 1024 / 1024),
            "CPU, s": round(self.cpu_seconds, 1),
        }


def p95(times: list[float]) -> float:
    """The time that 95 of 100 stayed below."""
    return sorted(times)[int(len(times) * 0.95)]


class Attack:
    """Sockets of every kind, each from an address that 20 of them share."""

    def __init__(self, port: int, tokens: list[str], order_id: str, measured: Measurements) -> None:
        self._port, self._tokens, self._order_id = port, tokens, order_id
        self._measured = measured
        self.kinds = {
            "silent": self._silent,
            "half a head": self._half_a_head,
            "unsigned": self._unsigned,
            "huge frame": self._huge,
            "stalled frame": self._stalled,
            "fragments": self._fragments,
            "pings": self._pings,
            "bomb": self._bomb,
            "slow reader": self._slow_reader,
            "signed in, idle": self._idle,
        }

    async def one(self, number: int) -> None:
        """One socket to its end, or to that of the attack."""
        name = list(self.kinds)[number % len(self.kinds)]
        address = f"10.{number // 20 // 256}.{number // 20 % 256}.1"
        outcome = "open until the end"
        try:
            outcome = str(await self.kinds[name](address, number))
        except (OSError, asyncio.IncompleteReadError):
            outcome = "cut"
        finally:
            self._measured.outcomes[f"{name}: {outcome}"] += 1

    async def _dial(self, address: str, *, small: bool = False) -> RawSocket:
        socket = await dial(self._port, address=address, compressed=True, small=small)
        self._measured.sockets += 1
        if socket.status != 101:
            raise ConnectionRefusedError(socket.head)
        return socket

    async def _silent(self, address: str, _: int) -> int:
        return await (await self._dial(address)).closed()

    async def _half_a_head(self, _: str, __: int) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._measured.sockets += 1
        writer.write(b"POST /graphql HTTP/1.1\r\nHost: a\r\n")
        return (await reader.read()).decode()[9:12]

    async def _unsigned(self, address: str, _: int) -> int:
        socket = await self._dial(address)
        socket.say(type="subscribe", id="1", payload={"query": _LARGE_ANSWER})
        return await socket.closed()

    async def _huge(self, address: str, _: int) -> int:
        socket = await self._dial(address)
        socket.send(frame(TEXT, announced=62 * 1024 * 1024))
        with suppress(ConnectionError):
            for _ in range(62):
                socket.send(b"x" * 1024 * 1024)
                await socket.writer.drain()
        return await socket.closed()

    async def _stalled(self, address: str, number: int) -> int:
        socket = await self._dial(address)
        await socket.sign_in(self._tokens[number % ACCOUNTS])
        # All but the last byte of what it may say.
        socket.send(frame(TEXT, b"x" * (128 * 1024 - 1), announced=128 * 1024))
        return await socket.closed()

    async def _fragments(self, address: str, _: int) -> int:
        socket = await self._dial(address)
        socket.send(frame(TEXT, b"x", fin=False))
        for _ in range(100):
            socket.send(frame(CONTINUED, fin=False) * 1000)
            await socket.writer.drain()
        return await socket.closed()

    async def _pings(self, address: str, _: int) -> int:
        socket = await self._dial(address)
        socket.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with suppress(ConnectionError):
            for _ in range(100):
                socket.send(frame(PING, b"x" * 125) * 1000)
                await socket.writer.drain()
        socket.writer.transport.resume_reading()  # type: ignore[attr-defined]
        return await socket.closed()

    async def _bomb(self, address: str, _: int) -> int:
        socket = await self._dial(address)
        socket.send(frame(TEXT, zlib.compress(b"x" * 10_000_000), flags=0x40))
        return await socket.closed()

    async def _slow_reader(self, address: str, number: int) -> str:
        socket = await self._dial(address, small=True)
        await socket.sign_in(self._tokens[number % ACCOUNTS])
        transport = socket.writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        for turn in range(40):
            socket.say(type="subscribe", id=f"{turn}", payload={"query": _LARGE_ANSWER})
            await socket.writer.drain()
        # A client that does not read notices the close when it writes.
        with suppress(ConnectionError):
            while not transport.is_closing():
                socket.say(type="pong")
                await socket.writer.drain()
                # The pace of a slow client, not a wait for a result.
                await asyncio.sleep(0.5)
        return "dropped"

    async def _idle(self, address: str, number: int) -> int:
        socket = await self._dial(address)
        await socket.sign_in(self._tokens[number % ACCOUNTS])
        variables = {"id": self._order_id}
        socket.say(type="subscribe", id="1", payload={"query": SUBSCRIBE, "variables": variables})
        return await socket.closed()
