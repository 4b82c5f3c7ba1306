"""What goes wrong: processes killed and frozen, servers down, networks cut, silent and slow, clocks that are wrong, events delivered again,
and a payment provider that fails.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from dev.ports import SERVICES
from tests.e2e.shop import Shop
from tests.faults.ground import SERVERS, FaultGround
from tests.faults.offsets import put_back
from tests.invariants.subscriptions import wanted

# What each of them does to the next calls, refunds or webhooks.
_PROVIDER_FAULTS: Final[Sequence[Mapping[str, Any]]] = (
    {"operation": "create", "code": "amount_too_small"},
    {"operation": "refund", "status": 500, "count": 3},
    {"refunds": "failed", "count": 2},
    {"refunds": "succeeded", "count": 5},
    # Answers that are lost: the provider did it, and we do not know.
    {"status": 0, "after": True, "count": 3},
    {"operation": "refund", "status": 0, "after": True, "count": 3},
    {"status": 500, "after": True, "count": 3},
    {"status": 503, "count": 5},
    {"status": 429, "count": 5},
    {"webhooks": "duplicated", "count": 30},
    {"webhooks": "reordered", "count": 30},
    {"webhooks": "lost", "count": 30},
)
# Time for a request that was under way when a clock was set right.
_CLOCK_SLACK_SECONDS: Final = 4.0
_KINDS: Final = {
    "kill": 4,
    "kill_all": 1,
    "outage": 3,
    "kill_in_an_outage": 2,
    "deliver_again": 1,
    "freeze": 3,
    "cut": 2,
    "reset": 1,
    "block": 2,
    "lose": 2,
    "slow": 2,
    "step_clock": 2,
    "provider": 5,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest of each, in seconds: outages and cuts, frozen processes, added latency, and how wrong a clock is."""

    outage: float = 15.0
    frozen: float = 40.0
    latency: float = 0.3
    clock: int = 240


@dataclass
class Troubles:
    """One trouble after the other, from a seed; each is over before the next begins. `now` says in words what is wrong."""

    ground: FaultGround
    shop: Shop
    seed: int
    limits: Limits
    counted: Counter[str] = field(default_factory=Counter)
    now: str = "nothing is wrong"
    _right_time_at: float = float("-inf")

    async def brew(self, ended: asyncio.Event, pause: float) -> None:
        """Until `ended`; about `pause` seconds between two."""
        chance = random.Random(f"{self.seed} troubles")
        kinds: list[str] = []
        while not ended.is_set():
            if not kinds:
                # Drawn without putting back, so that a run of one round has had all of them.
                kinds = [name for name, weight in _KINDS.items() for _ in range(weight)]
                chance.shuffle(kinds)
            trouble: Callable[[random.Random], Awaitable[None]] = getattr(self, f"_{kinds.pop()}")
            await trouble(chance)
            self.now = "nothing is wrong"
            try:
                await asyncio.wait_for(ended.wait(), pause * chance.uniform(0.5, 1.5))
            except TimeoutError:
                continue

    def clocks_are_wrong(self) -> bool:
        """Whether a token may count for one process and not for another: also for as long as those last that were made meanwhile."""
        return time.monotonic() < self._right_time_at

    async def _kill(self, chance: random.Random) -> None:
        await self._kill_parts([chance.choice(self._parts())])

    async def _kill_all(self, chance: random.Random) -> None:
        await self._kill_parts(self.ground.replicas(chance.choice(SERVICES)))

    async def _kill_parts(self, parts: Sequence[str]) -> None:
        self._say("kill -9", f"{' and '.join(parts)} killed")
        for part in parts:
            await asyncio.to_thread(self.ground.kill, part)
        await self._start(*parts)

    async def _outage(self, chance: random.Random) -> None:
        server, seconds = chance.choice(SERVERS), chance.uniform(0.5, self.limits.outage)
        self._say("outages", f"{server} is down for {seconds:.0f} s")
        await asyncio.to_thread(self.ground.kill, server)
        await asyncio.sleep(seconds)
        await self._start(server)

    async def _kill_in_an_outage(self, chance: random.Random) -> None:
        server, part = chance.choice(SERVERS), chance.choice(self._parts())
        self._say("kills in an outage", f"{server} is down and {part} killed")
        await asyncio.to_thread(self.ground.kill, server)
        await asyncio.sleep(chance.uniform(0.2, self.limits.outage / 2))
        await asyncio.to_thread(self.ground.kill, part)
        await self._start(server, part)

    async def _deliver_again(self, chance: random.Random) -> None:
        """A group that was put back gets its last events once more."""
        topics: dict[str, list[str]] = {}
        for each in wanted():
            topics.setdefault(each.group, []).append(each.topic)
        group = chance.choice(sorted(topics))
        self._say("groups put back", f"{group} gets its last events again")
        parts = self.ground.replicas(group.partition(".")[0])
        # In order, so that they leave their group, which has to be empty.
        for part in parts:
            await asyncio.to_thread(self.ground.stop, part)
        try:
            await asyncio.to_thread(put_back, f"127.0.0.1:{self.ground.ports.kafka}", group, topics[group])
        finally:
            await self._start(*parts)

    async def _freeze(self, chance: random.Random) -> None:
        part, seconds = chance.choice(self._parts()), chance.uniform(1.0, self.limits.frozen)
        self._say("freezes", f"{part} is frozen for {seconds:.0f} s")
        self.ground.freeze(part)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.ground.thaw(part)

    async def _cut(self, chance: random.Random) -> None:
        await self._network(chance, "cuts", "cut off from", self.ground.network.cut)

    async def _block(self, chance: random.Random) -> None:
        await self._network(chance, "silences", "in silence cut off from", self.ground.network.block)

    async def _reset(self, chance: random.Random) -> None:
        part, server = self._way(chance)
        self._say("resets", f"{part} had its connections to {server} reset")
        self.ground.network.reset(part, server)

    async def _lose(self, chance: random.Random) -> None:
        part, server = self._way(chance)
        self._say("lost connections", f"{part} vanished for {server}, which does not notice")
        self.ground.network.lose(part, server)

    async def _slow(self, chance: random.Random) -> None:
        seconds = chance.uniform(0.02, self.limits.latency)

        def slow(part: str, server: str) -> None:
            self.ground.network.slow(part, server, seconds)

        await self._network(chance, "slow networks", f"{seconds * 1000:.0f} ms away from", slow)

    async def _step_clock(self, chance: random.Random) -> None:
        part = chance.choice(self._parts())
        step = chance.randint(self.limits.clock // 4, self.limits.clock) * chance.choice([-1, 1])
        seconds = chance.uniform(5.0, max(6.0, self.limits.outage))
        self._say("wrong clocks", f"the clock of {part} is {step:+d} s wrong for {seconds:.0f} s")
        # A token that a fast clock made is of the future for as long as the clock was fast.
        self._right_time_at = time.monotonic() + seconds + abs(step) + _CLOCK_SLACK_SECONDS
        self.ground.clocks.step(part, step)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.ground.clocks.step(part, 0)

    async def _provider(self, chance: random.Random) -> None:
        fault = chance.choice(_PROVIDER_FAULTS)
        self._say("provider's faults", f"the provider fails: {dict(fault)}")
        try:
            await self.shop.provider_fault(**fault)
        except httpx.TransportError:  # it has just started again
            self.counted["provider's faults"] -= 1

    async def _network(
        self, chance: random.Random, kind: str, words: str, harm: Callable[[str, str], None]
    ) -> None:
        (part, server), seconds = self._way(chance), chance.uniform(0.5, self.limits.outage)
        self._say(kind, f"{part} is {words} {server} for {seconds:.0f} s")
        harm(part, server)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.ground.network.heal()

    def _way(self, chance: random.Random) -> tuple[str, str]:
        """A caller and what it calls; to Kafka all have one way."""
        part = chance.choice(self._parts())
        peers = [name for name in self._parts() if not name.startswith("gateway")]
        server = chance.choice([*SERVERS, "postgresql", chance.choice(peers)])
        return ("anyone", server) if server == "kafka" else (part, server)

    def _parts(self) -> list[str]:
        return list(self.ground.stack.services)

    def _say(self, kind: str, words: str) -> None:
        self.counted[kind] += 1
        self.now = words

    async def _start(self, *parts: str) -> None:
        for part in parts:
            await asyncio.to_thread(self.ground.start, part)
