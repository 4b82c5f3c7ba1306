"""The fault injector: kills and freezes processes, stops servers, disconnects, silences and slows down networks, sets clocks wrong,
redelivers events, and makes the payment provider fail.
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
from tests.faults.offsets import rewind
from tests.faults.stack import SERVERS, FaultStack
from tests.invariants.subscriptions import subscriptions

# Requests to the payment provider's /mock/faults; each affects the next calls, refunds or webhooks.
_PROVIDER_FAULTS: Final[Sequence[Mapping[str, Any]]] = (
    {"operation": "create", "code": "amount_too_small"},
    {"operation": "refund", "status": 500, "count": 3},
    {"refunds": "failed", "count": 2},
    {"refunds": "succeeded", "count": 5},
    # Lost responses: the call took effect, but we do not know.
    {"status": 0, "after": True, "count": 3},
    {"operation": "refund", "status": 0, "after": True, "count": 3},
    {"status": 500, "after": True, "count": 3},
    {"status": 503, "count": 5},
    {"status": 429, "count": 5},
    {"webhooks": "duplicated", "count": 30},
    {"webhooks": "reordered", "count": 30},
    {"webhooks": "lost", "count": 30},
)
# For requests that were in progress when the clock was corrected.
_CLOCK_MARGIN_SECONDS: Final = 4.0
# Weights, by the name of the method.
_KINDS: Final = {
    "kill": 4,
    "kill_all": 1,
    "outage": 3,
    "kill_during_outage": 2,
    "redeliver": 1,
    "freeze": 3,
    "cut": 2,
    "reset": 1,
    "block": 2,
    "vanish": 2,
    "slow": 2,
    "step_clock": 2,
    "provider": 5,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum seconds of an outage or disconnection, a freeze, added latency, and a clock's error."""

    outage: float = 15.0
    frozen: float = 40.0
    latency: float = 0.3
    clock: int = 240


@dataclass
class FaultInjector:
    """Injects one fault after the other, from a seed. `counts`: faults by kind. `current`: a description of the fault at the moment."""

    stack: FaultStack
    shop: Shop
    seed: int
    limits: Limits
    counts: Counter[str] = field(default_factory=Counter)
    current: str = "no fault"
    _clocks_right_at: float = float("-inf")

    async def inject(self, stopped: asyncio.Event, pause: float) -> None:
        """Injects faults until `stopped`, with about `pause` seconds in between."""
        rng = random.Random(f"{self.seed} troubles")
        kinds: list[str] = []
        while not stopped.is_set():
            if not kinds:
                # Drawn without replacement, so that a run of one round has had all of them.
                kinds = [name for name, weight in _KINDS.items() for _ in range(weight)]
                rng.shuffle(kinds)
            fault: Callable[[random.Random], Awaitable[None]] = getattr(self, f"_{kinds.pop()}")
            await fault(rng)
            self.current = "no fault"
            try:
                await asyncio.wait_for(stopped.wait(), pause * rng.uniform(0.5, 1.5))
            except TimeoutError:
                continue

    def clocks_may_disagree(self) -> bool:
        """Whether processes may disagree on a token's validity; also for some time after the clock is right again."""
        return time.monotonic() < self._clocks_right_at

    async def _kill(self, rng: random.Random) -> None:
        await self._kill_components([rng.choice(self._replicas())])

    async def _kill_all(self, rng: random.Random) -> None:
        await self._kill_components(self.stack.replicas(rng.choice(SERVICES)))

    async def _kill_components(self, components: Sequence[str]) -> None:
        self._record("kills", f"{' and '.join(components)} killed")
        for component in components:
            await asyncio.to_thread(self.stack.kill, component)
        await self._start(*components)

    async def _outage(self, rng: random.Random) -> None:
        server, seconds = rng.choice(SERVERS), rng.uniform(0.5, self.limits.outage)
        self._record("outages", f"{server} is down for {seconds:.0f} s")
        await asyncio.to_thread(self.stack.kill, server)
        await asyncio.sleep(seconds)
        await self._start(server)

    async def _kill_during_outage(self, rng: random.Random) -> None:
        server, replica = rng.choice(SERVERS), rng.choice(self._replicas())
        self._record("kills during an outage", f"{server} is down and {replica} killed")
        await asyncio.to_thread(self.stack.kill, server)
        await asyncio.sleep(rng.uniform(0.2, self.limits.outage / 2))
        await asyncio.to_thread(self.stack.kill, replica)
        await self._start(server, replica)

    async def _redeliver(self, rng: random.Random) -> None:
        """Rewinds the offsets of a consumer group, so that its latest events are delivered again."""
        topics: dict[str, list[str]] = {}
        for subscription in subscriptions():
            topics.setdefault(subscription.group, []).append(subscription.topic)
        group = rng.choice(sorted(topics))
        self._record("redeliveries", f"{group} gets its latest events again")
        replicas = self.stack.replicas(group.partition(".")[0])
        # Stopped gracefully, so that they leave the group: only an empty group can be rewound.
        for replica in replicas:
            await asyncio.to_thread(self.stack.stop, replica)
        try:
            await asyncio.to_thread(rewind, f"127.0.0.1:{self.stack.ports.kafka}", group, topics[group])
        finally:
            await self._start(*replicas)

    async def _freeze(self, rng: random.Random) -> None:
        replica, seconds = rng.choice(self._replicas()), rng.uniform(1.0, self.limits.frozen)
        self._record("freezes", f"{replica} is frozen for {seconds:.0f} s")
        self.stack.freeze(replica)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.stack.thaw(replica)

    async def _cut(self, rng: random.Random) -> None:
        await self._network_fault(rng, "disconnections", "disconnected from", self.stack.network.cut)

    async def _block(self, rng: random.Random) -> None:
        await self._network_fault(rng, "silent networks", "silently cut off from", self.stack.network.block)

    async def _reset(self, rng: random.Random) -> None:
        caller, server = self._link(rng)
        self._record("connection resets", f"connections from {caller} to {server} were reset")
        self.stack.network.reset(caller, server)

    async def _vanish(self, rng: random.Random) -> None:
        caller, server = self._link(rng)
        self._record("vanished clients", f"{caller} vanished without closing its connections to {server}")
        self.stack.network.vanish(caller, server)

    async def _slow(self, rng: random.Random) -> None:
        seconds = rng.uniform(0.02, self.limits.latency)

        def slow(caller: str, server: str) -> None:
            self.stack.network.slow(caller, server, seconds)

        await self._network_fault(rng, "slow networks", f"{seconds * 1000:.0f} ms away from", slow)

    async def _step_clock(self, rng: random.Random) -> None:
        replica = rng.choice(self._replicas())
        step = rng.randint(self.limits.clock // 4, self.limits.clock) * rng.choice([-1, 1])
        seconds = rng.uniform(5.0, max(6.0, self.limits.outage))
        self._record("wrong clocks", f"the clock of {replica} is {step:+d} s off for {seconds:.0f} s")
        # A token that was issued by a fast clock is not valid yet for as long as the clock was fast.
        self._clocks_right_at = time.monotonic() + seconds + abs(step) + _CLOCK_MARGIN_SECONDS
        self.stack.clocks.step(replica, step)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.stack.clocks.step(replica, 0)

    async def _provider(self, rng: random.Random) -> None:
        fault = rng.choice(_PROVIDER_FAULTS)
        self._record("provider faults", f"the payment provider fails: {dict(fault)}")
        try:
            await self.shop.inject_provider_fault(**fault)
        except httpx.TransportError:  # it is starting
            self.counts["provider faults"] -= 1

    async def _network_fault(
        self, rng: random.Random, kind: str, effect: str, inject: Callable[[str, str], None]
    ) -> None:
        (caller, server), seconds = self._link(rng), rng.uniform(0.5, self.limits.outage)
        self._record(kind, f"{caller} is {effect} {server} for {seconds:.0f} s")
        inject(caller, server)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.stack.network.heal()

    def _link(self, rng: random.Random) -> tuple[str, str]:
        """A caller and what it calls; all callers share one link to Kafka."""
        caller = rng.choice(self._replicas())
        peers = [name for name in self._replicas() if not name.startswith("gateway")]
        server = rng.choice([*SERVERS, "postgresql", rng.choice(peers)])
        return ("anyone", server) if server == "kafka" else (caller, server)

    def _replicas(self) -> list[str]:
        return list(self.stack.local.services)

    def _record(self, kind: str, description: str) -> None:
        self.counts[kind] += 1
        self.current = description

    async def _start(self, *components: str) -> None:
        for component in components:
            await asyncio.to_thread(self.stack.start, component)
