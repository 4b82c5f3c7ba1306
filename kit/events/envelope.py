"""CloudEvents 1.0 over Kafka in binary mode: attributes are `ce_*` headers, the body is protobuf.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from google.protobuf.message import DecodeError, Message

from kit.errors import InvalidArgument
from kit.events.topic import EVENT
from kit.values import rfc3339

M = TypeVar("M", bound=Message)
Headers = list[tuple[str, bytes]]

CONTENT_TYPE = "application/protobuf"
CORRELATION = "x-request-id"


class MalformedEvent(Exception):
    """A record that is not a valid event; a retry does not help."""


@dataclass(frozen=True, slots=True)
class Event(Generic[M]):
    """A published event.

    `key` is the aggregate's TypeID, `time` when the event was recorded; `trace` has the headers of its trace, if any.
    """

    id: UUID
    type: str
    key: str
    time: datetime
    body: M
    correlation_id: str
    trace: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """A record to send to Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


def to_record(row: Any) -> OutgoingRecord:
    """Converts an outbox row to a record."""
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", EVENT.format(row["event_id"]).encode()),
        ("ce_source", _source(row["topic"]).encode()),
        ("ce_type", row["type"].encode()),
        ("ce_subject", row["key"].encode()),
        ("ce_time", rfc3339(row["time"]).encode()),
        ("content-type", CONTENT_TYPE.encode()),
    ]
    headers += [(name, value.encode()) for name, value in orjson.loads(row["headers"]).items()]
    return OutgoingRecord(row["topic"], row["key"].encode(), row["payload"], headers)


def event_type(headers: Sequence[tuple[str, bytes]]) -> str:
    """The full name of a record's message; empty when it is not an event."""
    return next((value.decode("utf-8", "replace") for name, value in headers if name == "ce_type"), "")


def decode(record: Any, message: type[M]) -> Event[M]:
    """Decodes the event of a Kafka record; raises MalformedEvent."""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    try:
        return Event(
            id=EVENT.parse(headers["ce_id"], "ce_id"),
            type=headers["ce_type"],
            key=headers.get("ce_subject", ""),
            time=datetime.fromisoformat(headers["ce_time"]),
            body=message.FromString(record.value or b""),
            correlation_id=headers.get(CORRELATION, ""),
            trace={name: headers[name] for name in ("traceparent", "tracestate") if name in headers},
        )
    except (KeyError, ValueError, DecodeError, InvalidArgument) as error:
        raise MalformedEvent(f"{type(error).__name__}: {error}") from error


def _source(topic: str) -> str:
    """souk.order.v1 -> /souk/order"""
    return "/" + "/".join(topic.split(".")[:-1])
