"""The outbox as SQL: the columns of its rows and the statement that writes them.

What a fact looks like as a message is not here (`kit.events.Topic`), nor is publishing (`kit.events.Relay`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID


class OutboxColumns(NamedTuple):
    """Outbox rows column by column, as `unnest` takes them; all lists are of one length.

    The fields stand in the order of the parameters of `outbox_insert`.
    """

    topic: str
    event_ids: list[UUID]
    keys: list[str]
    types: list[str]
    times: list[datetime]
    headers: list[str]
    payloads: list[bytes]


class OutboxEncoder(Protocol):
    """Who knows how a service's facts are written: `kit.events.Topic`."""

    def outbox_rows(self, facts: Sequence[object], headers: Sequence[str] = ()) -> OutboxColumns:
        """The rows for these facts, all of the service's own topic, in their order, with the current call's headers or with those given."""
        ...

    def outbox(self, facts: Sequence[object]) -> Sequence[OutboxColumns]:
        """The rows for these facts, whatever their topics, with the current call's headers."""
        ...


_INSERT = "INSERT INTO outbox (topic, event_id, key, type, time, headers, payload)"


def outbox_insert(first: int = 1) -> str:
    """The INSERT of `OutboxColumns` whose seven parameters begin at `$first`, to stand alone or as a CTE.

    >>> store = f"WITH placed AS (INSERT ...), told AS ({outbox_insert(9)}) SELECT ..."
    """
    topic, *columns = range(first, first + 7)
    types = ("uuid", "text", "text", "timestamptz", "jsonb", "bytea")
    unnest = ", ".join(f"${number}::{kind}[]" for number, kind in zip(columns, types, strict=True))
    return f"{_INSERT} SELECT ${topic}::text, row.* FROM unnest({unnest}) AS row"  # noqa: S608


INSERT = outbox_insert()
