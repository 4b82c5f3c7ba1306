"""The outbox in SQL: the columns of its rows and the statement that inserts them.

Not here: encoding events (`kit.events.Topic`) and publishing them (`kit.events.Relay`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID


class OutboxColumns(NamedTuple):
    """Outbox rows by column, for `unnest`; all lists have the same length. The fields are in the order of the parameters of `INSERT`."""

    topic: str
    event_ids: list[UUID]
    keys: list[str]
    types: list[str]
    times: list[datetime]
    headers: list[str]
    payloads: list[bytes]


class OutboxEncoder(Protocol):
    """Encodes a service's domain events: `kit.events.Topic`."""

    def outbox_rows(self, events: Sequence[object], headers: Sequence[str] = ()) -> OutboxColumns:
        """The rows of events of the service's own topic, in order, with the given headers or those of the current call."""
        ...

    def outbox_rows_by_topic(
        self, events: Sequence[object], headers: Sequence[str] = ()
    ) -> Sequence[OutboxColumns]:
        """The rows of events by topic, with the given headers or those of the current call."""
        ...


INSERT = """
INSERT INTO outbox (topic, event_id, key, type, time, headers, payload)
SELECT $1::text, row.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::bytea[]) AS row
"""
