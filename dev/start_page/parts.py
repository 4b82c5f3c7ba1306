"""What the page shows of each part of the stack. It is measured when a page asks for it, at most once a second."""

import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from dev.processes import children, pss, stat, tree
from dev.start_page.shipping import is_probe
from kit.testing.servers import Server

_FRESH_SECONDS = 1.0
_TAIL_BYTES = 8192
_MAX_LINE = 300
# What every line has; the rest says what happened.
_COMMON_FIELDS = ("time", "service", "logger", "event", "level", "span_id", "stack")


class ShownStack(Protocol):
    """What the page needs of `dev.stack.Stack`."""

    @property
    def components(self) -> dict[str, Server]:
        """All components by name."""
        ...

    @property
    def restarts(self) -> Mapping[str, int]:
        """How often a component was started again."""
        ...


class Parts:
    """The states of a stack's components."""

    def __init__(self, stack: ShownStack) -> None:
        self._stack = stack
        self._lock = threading.Lock()
        self._measured = float("-inf")
        self._parts: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Name, state, address, memory (bytes; null if it does not run), restarts and last log line of every component."""
        with self._lock:
            if time.monotonic() - self._measured > _FRESH_SECONDS:
                components = list(self._stack.components.values())
                by_parent = children()
                with ThreadPoolExecutor(len(components) or 1) as pool:
                    self._parts = list(
                        pool.map(lambda component: self._part(component, by_parent), components)
                    )
                self._measured = time.monotonic()
            return self._parts

    def _part(self, component: Server, by_parent: Mapping[int, list[int]]) -> dict[str, Any]:
        process = component.process
        return {
            "name": component.name,
            "state": state(component),
            "address": f"127.0.0.1:{component.port}",
            "memory": sum(map(pss, tree(process.pid, by_parent))) if process else None,
            "restarts": self._stack.restarts.get(component.name, 0),
            "line": last_line(component.log),
        }


def state(component: Server) -> str:
    """ready, starting (or busy), paused, exited with its status, stopped, or replaced (`bazel run` runs another copy)."""
    process = component.process
    if process is None:
        return "replaced" if component.ready() else "stopped"
    if process.status is not None:
        return f"exited with status {process.status}"
    if stat(process.pid)[:1] == ["T"]:
        return "paused"
    return "ready" if component.ready() else "starting"


def last_line(log: Path) -> str:
    """The last line of a log that is about more than its state; of a JSON line its level, event and own fields."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    shown = (_short(line.strip()) for line in reversed(lines) if line.strip())
    return next((text for text in shown if text), "")


def _short(line: str) -> str:
    """The text of a line; empty for a request that only asks for the state."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line[:_MAX_LINE]
    if not isinstance(fields, dict) or "event" not in fields:
        return line[:_MAX_LINE]
    if is_probe(fields):
        return ""
    level = "" if fields.get("level") == "INFO" else f"{fields.get('level')} "
    own = (f"{name}={value}" for name, value in fields.items() if name not in _COMMON_FIELDS)
    return " ".join([f"{level}{fields['event']}", *own])[:_MAX_LINE]
