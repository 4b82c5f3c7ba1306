"""Domain events as outbox rows, rows as records, records as events."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from google.protobuf.wrappers_pb2 import BytesValue, StringValue

from kit.events import (
    EVENT,
    AnySubscription,
    MalformedEvent,
    Subscription,
    Topic,
    dead_letter_topic,
    topics_used_by,
)
from kit.events.envelope import decode, event_type, to_record
from kit.events.subscriptions import BatchSubscription, consumer_groups
from kit.telemetry import correlation_id
from kit.testing import FakeClock


@dataclass(frozen=True)
class NoteWritten:
    note: str
    text: str


TOPIC = Topic(
    "souk.note.v1",
    {NoteWritten: lambda event: (event.note, StringValue(value=event.text))},
    clock=FakeClock(),
)


def _record(event: NoteWritten, **changes: Any) -> Any:
    """The Kafka record of an event, as a consumer receives it."""
    rows = TOPIC.outbox_rows([event])
    row = {
        "topic": rows.topic,
        "event_id": rows.event_ids[0],
        "key": rows.keys[0],
        "type": rows.types[0],
        "time": rows.times[0],
        "headers": rows.headers[0],
        "payload": rows.payloads[0],
    }
    sent = to_record(row)
    return SimpleNamespace(topic=sent.topic, key=sent.key, value=sent.value, headers=sent.headers, **changes)


def test_events_become_rows_in_order() -> None:
    rows = TOPIC.outbox_rows([NoteWritten("note_1", "a"), NoteWritten("note_2", "b")])

    assert rows.topic == "souk.note.v1"
    assert rows.keys == ["note_1", "note_2"]
    assert rows.types == ["google.protobuf.StringValue"] * 2
    assert rows.payloads == [StringValue(value=text).SerializeToString() for text in "ab"]
    assert len(set(rows.event_ids)) == 2


def test_an_event_without_an_encoder_is_an_error() -> None:
    with pytest.raises(KeyError):
        TOPIC.outbox_rows(["a string"])


def test_an_event_carries_the_correlation_id() -> None:
    token = correlation_id.set("request-7")
    try:
        rows = TOPIC.outbox_rows([NoteWritten("note_1", "a")])
        event = decode(_record(NoteWritten("note_1", "a")), StringValue)
    finally:
        correlation_id.reset(token)

    assert orjson.loads(rows.headers[0])["x-request-id"] == "request-7"
    assert event.correlation_id == "request-7"


def test_a_record_is_a_cloud_event_in_binary_mode() -> None:
    record = _record(NoteWritten("note_1", "a"))
    headers = dict(record.headers)

    assert record.key == b"note_1"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_source"] == b"/souk/note"
    assert headers["ce_type"] == b"google.protobuf.StringValue"
    assert headers["ce_subject"] == b"note_1"
    assert headers["ce_time"] == b"2026-01-01T00:00:00.000Z"
    assert headers["ce_id"].startswith(b"evt_")
    assert headers["content-type"] == b"application/protobuf"


def test_an_event_arrives_as_it_was_published() -> None:
    record = _record(NoteWritten("note_1", "hello"))

    event = decode(record, StringValue)

    assert event_type(record.headers) == event.type == "google.protobuf.StringValue"
    assert (event.key, event.body.value, event.time) == ("note_1", "hello", TOPIC.clock())
    assert EVENT.format(event.id).encode() == dict(record.headers)["ce_id"]


@pytest.mark.parametrize("header", ["ce_id", "ce_time"])
def test_a_record_without_its_headers_is_malformed(header: str) -> None:
    record = _record(NoteWritten("note_1", "a"))
    record.headers = [pair for pair in record.headers if pair[0] != header]

    with pytest.raises(MalformedEvent):
        decode(record, StringValue)


def test_a_body_that_does_not_parse_is_malformed() -> None:
    record = _record(NoteWritten("note_1", "a"))
    record.value = b"\xff\xff\xff"

    with pytest.raises(MalformedEvent):
        decode(record, StringValue)


async def _ignore(*_: Any) -> None:
    """Does nothing."""


def test_subscriptions_of_one_purpose_share_a_group() -> None:
    subscriptions: list[AnySubscription] = [
        Subscription("souk.order.v1", {StringValue: _ignore}),
        Subscription("souk.payment.v1", {StringValue: _ignore}),
        BatchSubscription("souk.order.v1", "indexer", (BytesValue,), _ignore),
    ]

    assert {group.name: group.topics for group in consumer_groups("shop", subscriptions)} == {
        "shop": ["souk.order.v1", "souk.payment.v1"],
        "shop.indexer": ["souk.order.v1"],
    }
    assert topics_used_by("shop", "souk.shop.v1", subscriptions) == [
        "souk.order.v1",
        "souk.order.v1.dlq.shop",
        "souk.order.v1.dlq.shop.indexer",
        "souk.payment.v1",
        "souk.payment.v1.dlq.shop",
        "souk.shop.v1",
    ]
    assert dead_letter_topic("souk.order.v1", "payment") == "souk.order.v1.dlq.payment"


def test_one_topic_twice_in_a_group_is_an_error() -> None:
    twice = [Subscription("souk.order.v1", {StringValue: _ignore}), Subscription("souk.order.v1", {})]

    with pytest.raises(ValueError, match="twice"):
        consumer_groups("shop", twice)
