"""The stack's control socket (.souk/stack.sock): one JSON request per line, one JSON response per line.

Requests: {"command": start|stop|kill|restart, "component": NAME}, {"command": "status"}, and {"command": "replace", "component": SERVICE},
which stops a service, returns its environment, and restarts it when the connection closes (`bazel run //order`).
"""

import json
import os
import socketserver
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from dev.components import Service
from kit.testing.servers import Server


class ControlledStack(Protocol):
    """What the socket needs of `dev.stack.Stack`."""

    @property
    def components(self) -> dict[str, Server]:
        """All components by name."""
        ...

    def stop_component(self, name: str, *, kill: bool = False) -> None:
        """Stops one component."""

    def start_component(self, name: str) -> None:
        """Starts one component."""


class Control:
    """Serves the control socket as a context manager."""

    def __init__(self, stack: ControlledStack, state: Path) -> None:
        self._path = state / "stack.sock"
        self._path.unlink(missing_ok=True)
        previous = Path.cwd()
        try:
            # The path of a socket has at most 107 characters, so the name is relative to its folder.
            os.chdir(state)
            self._server = _Server(self._path.name, stack)
        finally:
            os.chdir(previous)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, name: str, stack: ControlledStack) -> None:
        self.stack = stack
        super().__init__(name, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        replaced: list[str] = []
        for line in self.rfile:
            try:
                response = self._execute(json.loads(line), replaced)
            except (ValueError, KeyError, AssertionError) as error:
                response = {"error": str(error) or type(error).__name__}
            self.wfile.write(json.dumps(response).encode() + b"\n")
        for name in replaced:
            self.server.stack.start_component(name)

    def _execute(self, request: dict[str, str], replaced: list[str]) -> dict[str, Any]:
        stack = self.server.stack
        if request["command"] == "status":
            processes = {name: component.process for name, component in stack.components.items()}
            return {"components": {name: process and process.pid for name, process in processes.items()}}
        name = request["component"]
        if name not in stack.components:
            raise ValueError(f"unknown component {name}; known: {', '.join(stack.components)}")
        match request["command"]:
            case "replace":
                component = stack.components[name]
                if not isinstance(component, Service):
                    raise ValueError(f"{name} is not a service")
                stack.stop_component(name)
                replaced.append(name)
                return {"environment": component.environment()}
            case "stop" | "kill":
                stack.stop_component(name, kill=request["command"] == "kill")
            case "start":
                stack.start_component(name)
            case "restart":
                stack.stop_component(name)
                stack.start_component(name)
            case unknown:
                raise ValueError(f"unknown command {unknown}")
        return {"ok": True}
