"""Hostile clients against a gateway in a process of its own, beside one that only shops: how long that one waits, what the gateway holds.

bazel run //gateway:hostility -- --sockets 2000 --seconds 30
"""

import argparse
import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from uuid import uuid4

import uvloop

from gateway.tests.hostile_sockets import ACCOUNTS, Attack, Measurements, p95
from gateway.tests.listening import listening
from gateway.tests.served import serving
from kit.auth import Principal, Role

_SHOPPING = json.dumps({"query": "{ products(first: 20) { nodes { id name price } } }"}).encode()
MAX_RESIDENT_BYTES = 512 * 1024 * 1024
MAX_SECONDS = 0.1


async def serve() -> None:
    """The gateway, until its input ends: prints its port and tokens of accounts."""
    async with listening() as world:
        who = [Principal(uuid4(), Role.USER, uuid4()) for _ in range(ACCOUNTS)]
        tokens = [world.token(principal) for principal in who]
        # As production has it, but for the time that a silent socket is borne.
        app = world.app({"PROXY_HOPS": "1", "MAX_UNSIGNED_SOCKETS": "20", "MAX_COST": "5000"})
        async with serving(app) as port:
            print(json.dumps({"port": port, "tokens": tokens, "order": world.order_id}), flush=True)
            reader = asyncio.StreamReader()
            await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
            )
            await reader.read()


async def shop(port: int, pid: int, times: list[float], worked: list[float], seconds: float) -> None:
    """Requests products over one connection, up to ten times a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = (
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-Forwarded-For: 192.0.2.9\r\n"
        b"Content-Length: %d\r\n\r\n" % len(_SHOPPING)
    ) + _SHOPPING
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start, had_worked = time.monotonic(), _loop_seconds(pid)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head[:20], head
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        times.append(time.monotonic() - start)
        worked.append(_loop_seconds(pid) - had_worked)
        await asyncio.sleep(0.1)
    writer.close()


async def attack(sockets: int, seconds: float) -> Measurements:
    """Measures."""
    measured = Measurements()
    program = [sys.executable, __file__, "--serve"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    server = await asyncio.create_subprocess_exec(
        *program, stdin=PIPE, stdout=PIPE, env=environment, limit=2**20
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        server_info = json.loads(await server.stdout.readline())
        await shop(server_info["port"], server.pid, measured.before, [], 3)
        attacking = Attack(server_info["port"], server_info["tokens"], server_info["order"], measured)
        before = _cpu_seconds(server.pid)
        tasks = []
        shopper = await asyncio.create_subprocess_exec(
            *[sys.executable, __file__, "--shop", str(server_info["port"]), str(server.pid), str(seconds)],
            stdout=PIPE,
            env=environment,
        )
        for number in range(sockets):
            tasks.append(asyncio.create_task(attacking.one(number)))
            if number % 50 == 49:
                # As many at once as a listener's queue takes; all are there long before the first is closed.
                await asyncio.sleep(0.05)
        shopped, _ = await shopper.communicate()
        assert shopper.returncode == 0
        measured.during, measured.worked = json.loads(shopped)
        measured.cpu_seconds = _cpu_seconds(server.pid) - before
        measured.resident_bytes = _resident(server.pid)
        measured.still_open = sum(not task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        server.stdin.close()
        await asyncio.wait_for(server.wait(), 60)
    return measured


def _resident(pid: int) -> int:
    """The most that the process ever had in memory, bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _loop_seconds(pid: int) -> float:
    """How long the thread of the event loop has run."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    # In a process of its own, which does not wait for the attackers' turns of the event loop.
    parser.add_argument("--shop", nargs=3, metavar=("PORT", "PID", "SECONDS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        uvloop.run(serve())
        return
    if chosen.shop:
        port, pid, seconds = chosen.shop
        times: list[float] = []
        worked: list[float] = []
        uvloop.run(shop(int(port), int(pid), times, worked, float(seconds)))
        print(json.dumps([times, worked]))
        return
    measured = uvloop.run(attack(chosen.sockets, chosen.seconds))
    print(json.dumps(measured.report(), indent=2))
    fine = measured.resident_bytes < MAX_RESIDENT_BYTES and p95(measured.during) < MAX_SECONDS
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
