"""The stack's control socket (.souk/stack.sock): one JSON request a line, one JSON answer a line.

start, stop, kill, restart PART; status; borrow PART, which stops a service, answers its environment, and starts it again when the
connection
closes (`bazel run //order`).
"""

import json
import os
import socketserver
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from dev.parts import Service
from kit.testing.servers import Server


class Controlled(Protocol):
    """What is controlled: dev.stack.Stack."""

    @property
    def parts(self) -> dict[str, Server]:
        """Every part by name."""
        ...

    def stop_part(self, name: str, *, kill: bool = False) -> None:
        """Stops one part."""

    def start_part(self, name: str) -> None:
        """Starts one part."""


class Control:
    """Serves the control socket while its block runs."""

    def __init__(self, stack: Controlled, state: Path) -> None:
        self._path = state / "stack.sock"
        self._path.unlink(missing_ok=True)
        before = Path.cwd()
        try:
            # Paths of sockets are at most 107 characters long; from inside its folder the name is short.
            os.chdir(state)
            self._server = _Server(self._path.name, stack)
        finally:
            os.chdir(before)

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

    def __init__(self, name: str, stack: Controlled) -> None:
        self.stack = stack
        super().__init__(name, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        borrowed: list[str] = []
        for line in self.rfile:
            try:
                answer = self._answer(json.loads(line), borrowed)
            except (ValueError, KeyError, AssertionError) as error:
                answer = {"error": str(error) or type(error).__name__}
            self.wfile.write(json.dumps(answer).encode() + b"\n")
        for name in borrowed:
            self.server.stack.start_part(name)

    def _answer(self, request: dict[str, str], borrowed: list[str]) -> dict[str, Any]:
        stack = self.server.stack
        if request["do"] == "status":
            running = {name: part.process for name, part in stack.parts.items()}
            return {"parts": {name: process.pid if process else None for name, process in running.items()}}
        name = request["part"]
        if name not in stack.parts:
            raise ValueError(f"no part {name}: {', '.join(stack.parts)}")
        match request["do"]:
            case "borrow":
                part = stack.parts[name]
                if not isinstance(part, Service):
                    raise ValueError(f"{name} is no service")
                stack.stop_part(name)
                borrowed.append(name)
                return {"environment": part.environment()}
            case "stop" | "kill":
                stack.stop_part(name, kill=request["do"] == "kill")
            case "start":
                stack.start_part(name)
            case "restart":
                stack.stop_part(name)
                stack.start_part(name)
            case other:
                raise ValueError(f"no request {other}")
        return {"ok": True}
