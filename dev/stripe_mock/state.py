"""The mock's state in one SQLite file: objects, responses by idempotency key, webhooks to deliver."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (id TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_of_kind ON objects (kind);
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (id TEXT PRIMARY KEY, body TEXT NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ends_later (object_id TEXT PRIMARY KEY, due REAL NOT NULL);
CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""


class State:
    """Not thread-safe; changes are made within `change()`, a transaction."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "stripe.sqlite", check_same_thread=False, isolation_level=None)
        # Fast: survives a kill of the process, but not a crash of the machine.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_SCHEMA)
        self._key = ""

    @contextmanager
    def change(self, key: str = "") -> Iterator[None]:
        """A transaction; `key`: the idempotency key of the call, for the records."""
        self._key = key
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def get(self, object_id: str) -> dict[str, Any] | None:
        """An object by its id."""
        row = self._db.execute("SELECT body FROM objects WHERE id = ?", [object_id]).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, newest first."""
        rows = self._db.execute("SELECT body FROM objects WHERE kind = ? ORDER BY rowid DESC", [kind])
        return [json.loads(body) for (body,) in rows]

    def save(self, changed: dict[str, Any], event: str) -> None:
        """Stores an object, records the change and queues its webhook."""
        body = json.dumps(changed)
        self._db.execute(
            "INSERT INTO objects VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            [changed["id"], changed["object"], body],
        )
        if changed["object"] in ("payment_intent", "refund"):
            record = json.dumps(_record(changed, event, self._key))
            self._db.execute("INSERT INTO records (body) VALUES (?)", [record])
        webhook = {
            "id": f"evt_{uuid4().hex[:24]}",
            "object": "event",
            "api_version": "2025-01-27",
            "created": int(time.time()),
            "livemode": False,
            "type": event,
            "data": {"object": changed},
        }
        self._db.execute(
            "INSERT INTO deliveries VALUES (?, ?, ?, 0)", [webhook["id"], json.dumps(webhook), time.time()]
        )

    def records(self) -> list[dict[str, Any]]:
        """Every change of an intent or a refund, oldest first."""
        rows = self._db.execute("SELECT body FROM records ORDER BY number")
        return [json.loads(body) for (body,) in rows]

    def response(self, key: str) -> tuple[str, int, str] | None:
        """The stored response to an idempotency key: the request's fingerprint, status and body."""
        row: tuple[str, int, str] | None = self._db.execute(
            "SELECT request, status, body FROM answers WHERE key = ?", [key]
        ).fetchone()
        return row

    def save_response(self, key: str, request: str, status: int, body: str) -> None:
        """Stores a response under its idempotency key."""
        self._db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", [key, request, status, body])

    def delete_responses(self) -> None:
        """Expires all idempotency keys."""
        self._db.execute("DELETE FROM answers")

    def schedule_settlement(self, object_id: str, due: float) -> None:
        """An intent or a refund will be settled at `due`."""
        self._db.execute("INSERT OR REPLACE INTO ends_later VALUES (?, ?)", [object_id, due])

    def take_due(self) -> list[str]:
        """Objects to settle now; they are removed from the schedule."""
        rows = self._db.execute("DELETE FROM ends_later WHERE due <= ? RETURNING object_id", [time.time()])
        return [object_id for (object_id,) in rows.fetchall()]

    def due_deliveries(self, limit: int) -> list[tuple[str, str, int]]:
        """Webhooks to send now: id, body, number of attempts."""
        rows = self._db.execute(
            "SELECT id, body, attempts FROM deliveries WHERE due <= ? ORDER BY due LIMIT ?",
            [time.time(), limit],
        )
        return [(row[0], row[1], row[2]) for row in rows.fetchall()]

    def delivered(self, delivery_id: str) -> None:
        """Removes a webhook that arrived or is given up."""
        self._db.execute("DELETE FROM deliveries WHERE id = ?", [delivery_id])

    def postpone(self, delivery_id: str, seconds: float) -> None:
        """Schedules the next attempt."""
        due = time.time() + seconds
        self._db.execute(
            "UPDATE deliveries SET due = ?, attempts = attempts + 1 WHERE id = ?", [due, delivery_id]
        )


def _record(changed: dict[str, Any], event: str, key: str) -> dict[str, Any]:
    """What the invariants compare; `key` is empty if no API call made the change."""
    return {
        "event": event,
        "id": changed["id"],
        "intent": changed.get("payment_intent", changed["id"]),
        "status": changed["status"],
        "amount": changed["amount"],
        "currency": changed["currency"],
        "metadata": changed["metadata"],
        "key": key,
        "time": time.time(),
    }
