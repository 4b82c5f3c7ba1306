"""The running stack of end-to-end tests: their own on free ports, or the one whose gateway is at SOUK_GATEWAY.

The latter is controlled over the socket in its state folder (SOUK_STATE, by default .souk), as `make run` creates it.
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

from dev.attach import send_request
from dev.ports import Ports
from dev.stack import Stack
from tests.e2e.shop import Shop

# Enough to search among; a thousand take long to seed.
_PRODUCTS = 60


class ComponentControl(Protocol):
    """Stops and starts components by name."""

    def stop_component(self, name: str, *, kill: bool = False) -> None:
        """Stops a component."""

    def start_component(self, name: str) -> None:
        """Starts it again and returns once it is ready."""


class _SocketControl:
    """Controls the components of a stack in another process."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def stop_component(self, name: str, *, kill: bool = False) -> None:
        self._send("kill" if kill else "stop", name)

    def start_component(self, name: str) -> None:
        self._send("start", name)

    def _send(self, command: str, component: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._state / "stack.sock"))
            response = send_request(connection, command=command, component=component)
        assert response.get("ok"), response


@dataclass(frozen=True, slots=True)
class StackUnderTest:
    """A running stack."""

    ports: Ports
    control: ComponentControl
    gateway: str

    def shop(self) -> Shop:
        """A client of the gateway."""
        return Shop(
            self.gateway,
            mails=f"http://127.0.0.1:{self.ports.mail_web}",
            stripe=f"http://127.0.0.1:{self.ports.stripe}",
        )

    def kill(self, component: str) -> None:
        """kill -9."""
        self.control.stop_component(component, kill=True)

    def stop(self, component: str) -> None:
        """Stops a component gracefully."""
        self.control.stop_component(component)

    def start(self, component: str) -> None:
        """Starts it again."""
        self.control.start_component(component)


@contextmanager
def running_stack(*, rules: bool = False, observed: bool = False) -> Iterator[StackUnderTest]:
    """The stack; its logs are kept with the test's outputs.

    `rules`: a stack of its own has taxes, shipping and variants too; `observed`: a log store.
    """
    if gateway := os.environ.get("SOUK_GATEWAY"):
        state = Path(os.environ.get("SOUK_STATE", ".souk"))
        yield StackUnderTest(Ports.read(os.environ), _SocketControl(state), gateway.rstrip("/"))
        return
    ports = Ports.free()
    with state_folder() as state:
        local = Stack(state, ports, products=_PRODUCTS, mail="count", rules=rules, observed=observed)
        local.start()
        try:
            yield StackUnderTest(ports, local, f"http://127.0.0.1:{ports.gateway}")
        finally:
            local.stop()


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUnderTest]:
    """The stack as tests have it: without taxes, shipping and variants."""
    with running_stack() as running:
        yield running


@contextmanager
def state_folder() -> Iterator[Path]:
    """A temporary folder for a stack's state; its logs are kept with the test's outputs."""
    with tempfile.TemporaryDirectory(prefix="souk-e2e-") as folder:
        state = Path(folder)
        if outputs := os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"):
            logs = Path(outputs, "logs")
            logs.mkdir()
            (state / "logs").symlink_to(logs)
        yield state
