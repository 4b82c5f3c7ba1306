"""Several processes of a service behind one port."""

import os
import signal

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kit.service.tests.running import Running, Start, start
from kit.testing import eventually, free_port

__all__ = ["start"]

_CONNECTIONS = 60


@pytest.fixture
async def shared(start: Start) -> tuple[int, list[Running]]:
    port = free_port()
    processes = [start(HTTP_SHARED_PORT=str(port), DRAIN_SECONDS="0") for _ in range(2)]
    for process in processes:
        await process.ready()
    return port, processes


async def get(port: int) -> int:
    """Over a new connection."""
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://127.0.0.1:{port}/livez", timeout=5)).status_code


async def served(process: Running) -> float:
    """Requests of /livez, from the process's own port."""
    text = (await process.get("/metrics")).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "souk_http_requests_total" and sample.labels.get("route") == "/livez"
    )


async def test_connections_are_distributed(shared: tuple[int, list[Running]]) -> None:
    port, processes = shared
    assert {await get(port) for _ in range(_CONNECTIONS)} == {200}
    counts = [await served(process) for process in processes]
    assert sum(counts) == _CONNECTIONS
    assert min(counts) > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_the_others_serve_on_when_one_ends(
    shared: tuple[int, list[Running]], number: signal.Signals
) -> None:
    port, (ended, other) = shared
    os.kill(ended.process.pid, number)
    await eventually(lambda: ended.process.status is not None)
    assert {await get(port) for _ in range(_CONNECTIONS)} == {200}
    assert await served(other) >= _CONNECTIONS


async def test_a_process_accepts_connections_once_it_is_ready(start: Start) -> None:
    port = free_port()
    starting = start(HTTP_SHARED_PORT=str(port), UP_AFTER_SECONDS="60")
    await starting.logged("service.waiting_for_dependency")
    with pytest.raises(httpx.ConnectError):
        await get(port)


async def test_a_port_that_another_program_uses_is_named(start: Start) -> None:
    other = start()
    await other.ready()
    rejected = start(HTTP_SHARED_PORT=str(other.http_port))
    assert await rejected.ended() == 1
    assert f":{other.http_port}" in rejected.process.log.read_text()
