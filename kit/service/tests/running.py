"""A service in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from kit.testing import ChildProcess, eventually, free_port

SHOP = Path(__file__).with_name("shop.py")
PATH = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)

Start = Callable[..., "Running"]


class Running:
    """The process and its ports."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self.http_port, self.grpc_port = free_port(), free_port()
        ports = {"HTTP_PORT": str(self.http_port), "GRPC_PORT": str(self.grpc_port)}
        env = {"PYTHONPATH": PATH, "PROFILE": "development"} | ports | environment
        self.process = ChildProcess("shop", [sys.executable, str(SHOP)], log=log, env=env)

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{self.http_port}{path}", timeout=5)

    async def status(self, path: str) -> int:
        try:
            return (await self.get(path)).status_code
        except httpx.TransportError:
            return 0

    async def ready(self) -> None:
        async def is_ready() -> bool:
            return await self.status("/readyz") == 200

        await eventually(is_ready, seconds=20)

    async def logged(self, event: str) -> None:
        async def is_logged() -> bool:
            return event in self.events()

        await eventually(is_logged, seconds=20)

    def events(self) -> list[str]:
        return [
            orjson.loads(line)["event"]
            for line in self.process.log.read_text().splitlines()
            if line[:1] == "{"
        ]

    async def ended(self) -> int | None:
        await eventually(lambda: self.process.status is not None, seconds=20)
        return self.process.status


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []

    def start(**environment: str) -> Running:
        started.append(Running(tmp_path / f"{len(started)}.log", environment))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()


def once(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": PATH, "PROFILE": "development"} | environment
    return subprocess.run(
        [sys.executable, str(SHOP), *args], env=env, capture_output=True, text=True, timeout=30
    )
