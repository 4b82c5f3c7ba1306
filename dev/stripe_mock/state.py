"""What the stand-in remembers, also over a restart: objects, answers under idempotency keys, webhooks to deliver. One SQLite file."""

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
    """Used by one thread at a time; what happens inside of `change()` is kept together or not at all."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "stripe.sqlite", check_same_thread=False, isolation_level=None)
        # A crash of the machine may lose what a kill of the process does not.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_SCHEMA)
        self._key = ""

    @contextmanager
    def change(self, key: str = "") -> Iterator[None]:
        """A transaction; `key` is the idempotency key of the call that makes it."""
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
        self._db.execute(
            "INSERT INTO records (body) VALUES (?)", [json.dumps(_record(changed, event, self._key))]
        )
        told = {
            "id": f"evt_{uuid4().hex[:24]}",
            "object": "event",
            "api_version": "2025-01-27",
            "created": int(time.time()),
            "livemode": False,
            "type": event,
            "data": {"object": changed},
        }
        self._db.execute(
            "INSERT INTO deliveries VALUES (?, ?, ?, 0)", [told["id"], json.dumps(told), time.time()]
        )

    def records(self) -> list[dict[str, Any]]:
        """Every change of an intent or a refund, oldest first."""
        rows = self._db.execute("SELECT body FROM records ORDER BY number")
        return [json.loads(body) for (body,) in rows]

    def answer(self, key: str) -> tuple[str, int, str] | None:
        """What was answered under an idempotency key: the request's fingerprint, status and body."""
        row: tuple[str, int, str] | None = self._db.execute(
            "SELECT request, status, body FROM answers WHERE key = ?", [key]
        ).fetchone()
        return row

    def keep_answer(self, key: str, request: str, status: int, body: str) -> None:
        """Remembers an answer."""
        self._db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", [key, request, status, body])

    def forget_answers(self) -> None:
        """No idempotency key is known any more."""
        self._db.execute("DELETE FROM answers")

    def later(self, object_id: str, due: float) -> None:
        """An intent or a refund that ends by itself then."""
        self._db.execute("INSERT OR REPLACE INTO ends_later VALUES (?, ?)", [object_id, due])

    def take_due(self) -> list[str]:
        """Those whose time has come."""
        rows = self._db.execute("DELETE FROM ends_later WHERE due <= ? RETURNING object_id", [time.time()])
        return [object_id for (object_id,) in rows.fetchall()]

    def due_deliveries(self, limit: int) -> list[tuple[str, str, int]]:
        """Webhooks to try now: id, body, how often it was tried."""
        rows = self._db.execute(
            "SELECT id, body, attempts FROM deliveries WHERE due <= ? ORDER BY due LIMIT ?",
            [time.time(), limit],
        )
        return [(each[0], each[1], each[2]) for each in rows.fetchall()]

    def delivered(self, delivery_id: str) -> None:
        """It arrived, or is given up."""
        self._db.execute("DELETE FROM deliveries WHERE id = ?", [delivery_id])

    def postpone(self, delivery_id: str, seconds: float) -> None:
        """It is tried again then."""
        due = time.time() + seconds
        self._db.execute(
            "UPDATE deliveries SET due = ?, attempts = attempts + 1 WHERE id = ?", [due, delivery_id]
        )


def _record(changed: dict[str, Any], event: str, key: str) -> dict[str, Any]:
    """What an auditor compares; without a key the change was no call's."""
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
