"""Time. All instants are timezone-aware, in UTC, and truncated to milliseconds when stored or shown."""

from collections.abc import Callable
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time in whole milliseconds, so that databases and wire formats keep it unchanged."""
    return whole_milliseconds(datetime.now(UTC))


def whole_milliseconds(instant: datetime) -> datetime:
    """The instant without its microseconds, rounded down."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def rfc3339(instant: datetime) -> str:
    """2026-11-23T09:30:00.000Z"""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp_to_proto(instant: datetime) -> Timestamp:
    """The instant as google.protobuf.Timestamp."""
    message = Timestamp()
    message.FromDatetime(instant)
    return message


def timestamp_from_proto(message: Timestamp) -> datetime:
    """The instant of a google.protobuf.Timestamp."""
    return message.ToDatetime(tzinfo=UTC)
