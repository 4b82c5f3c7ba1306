"""Time. All instants are timezone-aware, in UTC, and truncated to milliseconds when stored or shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
    # Timestamp.FromDatetime takes five times as long.
    since = instant - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def timestamp_from_proto(message: Timestamp) -> datetime:
    """The instant of a google.protobuf.Timestamp."""
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)
