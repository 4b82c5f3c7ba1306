"""Converts common values between protobuf messages and GraphQL types."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import strawberry
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyMessage

from kit.errors import InvalidArgument, Violation
from kit.graphql.scalars import Amount, CurrencyCode, Instant
from kit.values import CURRENCIES, Money, money_to_proto

# Formatting a timestamp costs more than looking it up, and responses repeat the same items.
_CACHED_INSTANTS: Final = 8192


def amount(money: MoneyMessage) -> Amount:
    """With exactly the currency's number of decimals. Amounts are never negative."""
    exponent = CURRENCIES[money.currency_code].exponent
    if not exponent:
        return Amount(str(money.units))
    return Amount(f"{money.units}.{money.nanos // 10 ** (9 - exponent):0{exponent}d}")


def amount_or_none(message: Message, field: str) -> Amount | None:
    """The amount in an optional field."""
    return amount(getattr(message, field)) if message.HasField(field) else None


def currency(money: MoneyMessage) -> CurrencyCode:
    """The amount's currency."""
    return CurrencyCode(money.currency_code)


def money(value: Amount, code: str, *path: str | int, currency_path: tuple[str | int, ...]) -> MoneyMessage:
    """Raises InvalidArgument naming the amount's or the currency's path."""
    check_currency(code, *currency_path)
    return money_to_proto(Money.parse(value, code, *path))


def check_currency(code: str, *path: str | int) -> None:
    """Raises InvalidArgument for a currency that is not supported."""
    if code not in CURRENCIES:
        rule = f"must be one of {', '.join(sorted(CURRENCIES))}"
        raise InvalidArgument(f"{'.'.join(map(str, path))}: {rule}", fields=[Violation(path, rule)])


def instant(value: Timestamp) -> Instant:
    """UTC with milliseconds."""
    return _instant(value.seconds, value.nanos // 1_000_000)


@lru_cache(_CACHED_INSTANTS)
def _instant(seconds: int, milliseconds: int) -> Instant:
    at = datetime.fromtimestamp(seconds, UTC)
    return Instant(f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z")


def instant_or_none(message: Message, field: str) -> Instant | None:
    """An optional field of a message."""
    return instant(getattr(message, field)) if message.HasField(field) else None


def timestamp(value: Instant) -> Timestamp:
    """A timestamp of a filter."""
    message = Timestamp()
    message.FromDatetime(datetime.fromisoformat(value))
    return message


def or_blank(value: str | None) -> str:
    """An optional text. In the contracts empty means omitted, so an empty input becomes a blank, which services reject."""
    return "" if value is None else value or " "


def text_or_none(value: str) -> str | None:
    """Empty in the contracts is null in the schema."""
    return value or None


def id_or_none(value: str) -> strawberry.ID | None:
    """Empty in the contracts is null in the schema."""
    return strawberry.ID(value) if value else None


def is_set(value: Any) -> bool:
    """Whether the client sent an optional field of an input; null counts."""
    return value is not strawberry.UNSET
