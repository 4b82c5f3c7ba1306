"""Sends what the components write to their logs to the log store, where it left off before, once a second, and keeps the logs small."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.log_files import TAIL_BYTES, free_beginning, remove_beginning, size, size_on_disk
from dev.start_page.log_store import LogStore, LogStoreError

_SECONDS = 1.0
# Of one log, in one turn.
_MAX_BYTES = 2**20
_MAX_TEXT = 10_000
# Prometheus and the start page request these all the time.
_PROBES = ("/livez", "/metrics", "/readyz", "/start/{name}")


class Shipper:
    """Follows logs by component in a thread. `positions`: the file that records how far each log was sent.

    Created before the components start. Of each log the last `tail_bytes` stay, and what is not sent yet. Without a store nothing is sent.
    """

    def __init__(
        self,
        logs: Mapping[str, Path],
        store: LogStore | None,
        positions: Path,
        *,
        tail_bytes: int = TAIL_BYTES,
    ) -> None:
        self._logs = logs
        self._store = store
        self._file = positions
        self._tail_bytes = tail_bytes
        self._positions = _read(positions)
        for name, log in logs.items():
            # What was logged before the store existed is not sent.
            self._positions.setdefault(name, size(log))
            if (end := self._dispensable(name, log)) >= tail_bytes:
                removed = remove_beginning(log, end)
                self._positions[name] = max(0, self._positions[name] - removed)
                self._save()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ships-logs", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stops it; what is not sent yet follows after the next start."""
        self._stopping.set()
        self._thread.join()

    def ship(self) -> None:
        """Sends what is new; on an error nothing is lost, because the next call sends it. Then frees the beginnings of long logs."""
        if self._store:
            self._send(self._store)
        for name, log in self._logs.items():
            end = self._dispensable(name, log)
            if end > 0 and size_on_disk(log) - (size(log) - end) >= self._tail_bytes:
                free_beginning(log, end)

    def _dispensable(self, name: str, log: Path) -> int:
        """The first bytes of a log that are sent and followed by more than enough."""
        end = size(log) - self._tail_bytes
        return min(end, self._positions[name]) if self._store else end

    def _send(self, store: LogStore) -> None:
        new = {name: lines for name, log in self._logs.items() if (lines := self._new_lines(name, log))}
        if not new:
            return
        store.insert(
            record for name, lines in new.items() for line in lines if (record := as_record(name, line))
        )
        for name, lines in new.items():
            self._positions[name] += sum(map(len, lines))
        self._save()

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._positions))

    def _new_lines(self, name: str, log: Path) -> list[bytes]:
        end = size(log)
        if end < self._positions[name]:
            self._positions[name] = 0
        if end == self._positions[name]:
            return []
        with log.open("rb") as file:
            file.seek(self._positions[name])
            block = file.read(_MAX_BYTES)
        # A line that is still being written follows in the next turn, unless it is longer than a turn.
        end = block.rfind(b"\n") + 1 or (len(block) if len(block) == _MAX_BYTES else 0)
        return block[:end].splitlines(keepends=True)

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS):
            try:
                self.ship()
            except (LogStoreError, OSError):
                continue


def as_record(component: str, line: bytes) -> dict[str, Any] | None:
    """The record of a line: the fields of a service's JSON, or the text of another server; None for what is not worth keeping."""
    text = line.decode(errors="replace").strip()
    if not text:
        return None
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or "event" not in fields:
        return {"service": component, "event": text[:_MAX_TEXT]}
    if is_probe(fields):
        return None
    return {**fields, "service": component}


def is_probe(fields: Mapping[str, Any]) -> bool:
    """Whether a line is about a request that only asks for the state."""
    return fields["event"] == "http.request" and fields.get("route") in _PROBES


def _read(file: Path) -> dict[str, int]:
    try:
        return {str(name): int(position) for name, position in json.loads(file.read_text()).items()}
    except (OSError, ValueError):
        return {}
