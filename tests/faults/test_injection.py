"""How faults are injected: a process's clock, and the network between components."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.clocks import Clocks
from tests.faults.network import Network

_PRINT_CLOCKS = """
import time
start = time.monotonic()
while True:
    print(round(time.time()), round(time.monotonic() - start, 2), flush=True)
    time.sleep(0.2)
"""


def test_a_clock_changes_while_its_process_runs_and_sleeps_are_unaffected(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path / "clocks")
    environment = {**os.environ, **clocks.environment("order")}
    command = [sys.executable, "-S", "-c", _PRINT_CLOCKS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None

        def wait_until_ahead(ahead: int) -> float:
            """Waits until the process's clock is ahead by this much; returns its monotonic running time."""
            assert process.stdout is not None
            while True:
                now, passed = process.stdout.readline().split()
                if abs(int(now) - _now() - ahead) <= 2:
                    return float(passed)

        initial = wait_until_ahead(0)
        clocks.step("order", 300)
        stepped = wait_until_ahead(300)
        clocks.step("order", -120)
        stepped_back = wait_until_ahead(-120)
        process.kill()
    assert initial < stepped < stepped_back < 60


def _now() -> int:
    return int(subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    yield server.sockets[0].getsockname()[1]
    server.close()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float = 5.0) -> bytes:
    writer.write(b"hello")
    return await asyncio.wait_for(reader.readexactly(5), seconds)


async def test_a_link_forwards_all_data(network: Network, echo: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", network.link("order", "echo", echo))
    assert await _echo(reader, writer) == b"hello"
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_cut_link_resets_open_connections_and_rejects_new_ones(network: Network, echo: int) -> None:
    port = network.link("order", "echo", echo)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _echo(reader, writer)
    network.cut("order", "echo")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await _echo(reader, writer)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await _echo(*await asyncio.open_connection("127.0.0.1", port))
    network.heal()
    assert await _echo(*await asyncio.open_connection("127.0.0.1", port)) == b"hello"


async def test_a_blocked_link_is_silent_until_it_heals(network: Network, echo: int) -> None:
    port = network.link("order", "echo", echo)
    old, new = await asyncio.open_connection("127.0.0.1", port), None
    await _echo(*old)
    network.block("order", "echo")
    new = await asyncio.open_connection("127.0.0.1", port)
    for connection in (old, new):
        with pytest.raises(TimeoutError):
            await _echo(*connection, seconds=0.3)
    network.heal()
    for reader, _ in (old, new):
        assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"


async def test_a_vanished_caller_leaves_its_connection_open_at_the_callee(network: Network) -> None:
    closed, accepted = asyncio.Event(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        writer.write(b"hello")
        await reader.read()
        closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1")
    port = network.link("order", "host", server.sockets[0].getsockname()[1])
    reader, _ = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.wait_for(reader.readexactly(5), 5)
    network.vanish("order", "host")
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(reader.read(), 5)
    new_reader, _ = await asyncio.open_connection("127.0.0.1", port)
    assert await asyncio.wait_for(new_reader.readexactly(5), 5) == b"hello"
    assert (accepted, closed.is_set()) == (2, False)
    server.close()


async def test_a_slow_link_preserves_the_order(network: Network, echo: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", network.link("order", "echo", echo))
    network.slow("order", "echo", 0.2)
    start = asyncio.get_running_loop().time()
    for number in range(5):
        writer.write(str(number).encode())
        await asyncio.sleep(0)
    assert await asyncio.wait_for(reader.readexactly(5), 5) == b"01234"
    assert asyncio.get_running_loop().time() - start >= 0.4


async def test_an_unknown_link_is_an_error(network: Network) -> None:
    with pytest.raises(KeyError, match="no link from order to nowhere"):
        network.cut("order", "nowhere")
