"""What a service publishes: one topic, and one table from facts to messages.

Writing outbox rows is `kit.db`'s, sending them the relay's. Nothing else publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from google.protobuf.message import Message

from kit.db import OutboxColumns
from kit.telemetry import correlation_id, inject
from kit.values import Clock, IdKind, utc_now

EVENT = IdKind("evt")

Encode = Callable[[Any], tuple[str, Message]]


@dataclass(frozen=True)
class Topic:
    """`Topic("souk.order.v1", {OrderPlaced: encode, ...})`.

    An encoder answers the aggregate's id, by which facts keep their order, and the message. `also`: a topic that is not the service's own,
    to which it tells of some facts too.
    """

    name: str
    encoders: Mapping[type, Encode]
    clock: Clock = field(default=utc_now, repr=False)
    also: Topic | None = None

    def outbox(self, facts: Sequence[object]) -> list[OutboxColumns]:
        """The facts as outbox rows, those of each topic in their order."""
        own = [fact for fact in facts if self.also is None or type(fact) not in self.also.encoders]
        others = [fact for fact in facts if self.also is not None and type(fact) in self.also.encoders]
        found = [self.outbox_rows(own)] if own else []
        if others:
            assert self.also is not None
            found += self.also.outbox(others)
        return found

    def outbox_rows(self, facts: Sequence[object], headers: Sequence[str] = ()) -> OutboxColumns:
        """The facts as outbox rows, in their order; the current correlation and trace go with them.

        `headers` replace these, one for each fact: what `context_headers()` answered in the calls that the facts are of.

        For a hot statement that writes rows and outbox at once: `outbox_insert(n)` takes these columns.
        """
        now = self.clock()
        carried = headers or [context_headers()] * len(facts)
        columns = OutboxColumns(self.name, [], [], [], [], [], [])
        for fact, header in zip(facts, carried, strict=True):
            key, message = self.encoders[type(fact)](fact)
            columns.event_ids.append(EVENT.new())
            columns.keys.append(key)
            columns.types.append(message.DESCRIPTOR.full_name)
            columns.times.append(now)
            columns.headers.append(header)
            columns.payloads.append(message.SerializeToString())
        return columns


def context_headers() -> str:
    """The current correlation and trace, as events carry them."""
    headers: dict[str, str] = {}
    inject(headers)
    if current := correlation_id.get():
        headers["x-request-id"] = current
    return orjson.dumps(headers).decode()
