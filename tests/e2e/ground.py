"""The running stack that end-to-end tests stand on: one of their own on free ports, or the one that SOUK_GATEWAY names.

A running one is controlled through the socket of its state folder (SOUK_STATE, else .souk), as `make run` leaves it.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from dev.attach import ask
from dev.ports import Ports
from dev.stack import Stack
from tests.e2e.shop import Shop

# Enough for searching among them; a thousand take their time to seed.
_PRODUCTS = 60


class Parts(Protocol):
    """What stops and starts parts by name."""

    def stop_part(self, name: str, *, kill: bool = False) -> None:
        """Stops a part."""

    def start_part(self, name: str) -> None:
        """Starts it again and returns once it is ready."""


class _Running:
    """The parts of a stack in another process."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def stop_part(self, name: str, *, kill: bool = False) -> None:
        self._ask("kill" if kill else "stop", name)

    def start_part(self, name: str) -> None:
        self._ask("start", name)

    def _ask(self, verb: str, part: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._state / "stack.sock"))
            answer = ask(connection, do=verb, part=part)
        assert answer.get("ok"), answer


@dataclass(frozen=True, slots=True)
class Ground:
    """A stack that is up."""

    ports: Ports
    parts: Parts
    gateway: str

    def shop(self) -> Shop:
        """A client of it."""
        return Shop(
            self.gateway,
            mails=f"http://127.0.0.1:{self.ports.mail_web}",
            stripe=f"http://127.0.0.1:{self.ports.stripe}",
        )

    def kill(self, part: str) -> None:
        """kill -9."""
        self.parts.stop_part(part, kill=True)

    def stop(self, part: str) -> None:
        """Stops a part in order."""
        self.parts.stop_part(part)

    def start(self, part: str) -> None:
        """Starts it again."""
        self.parts.start_part(part)


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """The stack; its logs stay with the test's outputs."""
    if gateway := os.environ.get("SOUK_GATEWAY"):
        state = Path(os.environ.get("SOUK_STATE", ".souk"))
        yield Ground(Ports.read(os.environ), _Running(state), gateway.rstrip("/"))
        return
    ports = Ports.free()
    with state_folder() as state:
        stack = Stack(state, ports, products=_PRODUCTS, mail="count")
        stack.start()
        try:
            yield Ground(ports, stack, f"http://127.0.0.1:{ports.gateway}")
        finally:
            stack.stop()


@contextmanager
def state_folder() -> Iterator[Path]:
    """A folder for a stack's state that is gone afterwards; its logs stay, with the test's outputs."""
    with tempfile.TemporaryDirectory(prefix="souk-e2e-") as folder:
        state = Path(folder)
        if outputs := os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"):
            logs = Path(outputs, "logs")
            logs.mkdir()
            (state / "logs").symlink_to(logs)
        yield state
