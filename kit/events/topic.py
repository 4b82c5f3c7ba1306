"""What a service publishes: a topic, and the encoders from domain events to messages.

`kit.db` writes the outbox rows and the relay sends them. Nothing else publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from google.protobuf.message import Message

from kit.db import OutboxColumns, transpose
from kit.telemetry import correlation_id, inject
from kit.values import Clock, IdKind, utc_now

EVENT = IdKind("evt")

Encode = Callable[[Any], tuple[str, Message]]


@dataclass(frozen=True)
class Topic:
    """`Topic("souk.order.v1", {OrderPlaced: encode, ...})`.

    An encoder returns the aggregate's id, which is the Kafka key and so preserves order, and the message.
    `also`: a second topic, for events that another package owns (audit).
    """

    name: str
    encoders: Mapping[type, Encode]
    clock: Clock = field(default=utc_now, repr=False)
    also: Topic | None = None

    def outbox_rows_by_topic(
        self, events: Sequence[object], headers: Sequence[str] = ()
    ) -> list[OutboxColumns]:
        """The events as outbox rows by topic, in order within each; `headers` as in `outbox_rows`."""
        pairs = list(zip(events, headers or [context_headers()] * len(events), strict=True))
        own = [pair for pair in pairs if self.also is None or type(pair[0]) not in self.also.encoders]
        others = [pair for pair in pairs if self.also is not None and type(pair[0]) in self.also.encoders]
        rows = [self.outbox_rows(*transpose(own, 2))] if own else []
        if others:
            assert self.also is not None
            rows += self.also.outbox_rows_by_topic(*transpose(others, 2))
        return rows

    def outbox_rows(self, events: Sequence[object], headers: Sequence[str] = ()) -> OutboxColumns:
        """The events as outbox rows, in order, with the correlation id and trace of the current context.

        `headers` replaces these: one captured `context_headers()` per event.
        """
        now = self.clock()
        headers_per_event = headers or [context_headers()] * len(events)
        columns = OutboxColumns(self.name, [], [], [], [], [], [])
        for event, header in zip(events, headers_per_event, strict=True):
            key, message = self.encoders[type(event)](event)
            columns.event_ids.append(EVENT.new())
            columns.keys.append(key)
            columns.types.append(message.DESCRIPTOR.full_name)
            columns.times.append(now)
            columns.headers.append(header)
            columns.payloads.append(message.SerializeToString())
        return columns


def context_headers() -> str:
    """The current correlation id and trace, encoded for the headers of an event."""
    headers: dict[str, str] = {}
    inject(headers)
    if current := correlation_id.get():
        headers["x-request-id"] = current
    return orjson.dumps(headers).decode()
