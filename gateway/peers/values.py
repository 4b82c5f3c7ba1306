"""Converts common values between the contracts and the schema."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import strawberry
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyMessage

from gateway.types.paging import PageInfo
from gateway.types.scalars import Amount, CurrencyCode, Instant
from kit.errors import InvalidArgument, Violation
from kit.values import CURRENCIES, Money, money_to_proto

# Formatting a timestamp costs more than looking it up, and responses repeat the same products.
_CACHED_INSTANTS = 8192


def amount(money: MoneyMessage) -> Amount:
    """With exactly the currency's number of decimals. Amounts are never negative."""
    exponent = CURRENCIES[money.currency_code].exponent
    if not exponent:
        return Amount(str(money.units))
    return Amount(f"{money.units}.{money.nanos // 10 ** (9 - exponent):0{exponent}d}")


def currency(money: MoneyMessage) -> CurrencyCode:
    """The amount's currency."""
    return CurrencyCode(money.currency_code)


def money(value: Amount, code: str, *path: str | int, currency_path: tuple[str, ...]) -> MoneyMessage:
    """Raises InvalidArgument naming the amount's or the currency's path."""
    check_currency(code, *currency_path)
    return money_to_proto(Money.parse(value, code, *path))


def check_currency(code: str, *path: str) -> None:
    """Raises InvalidArgument for a currency that is not supported."""
    if code not in CURRENCIES:
        rule = f"must be one of {', '.join(sorted(CURRENCIES))}"
        raise InvalidArgument(f"{'.'.join(path)}: {rule}", fields=[Violation(path, rule)])


def instant(value: Timestamp) -> Instant:
    """UTC with milliseconds."""
    return _instant(value.seconds, value.nanos // 1_000_000)


@lru_cache(_CACHED_INSTANTS)
def _instant(seconds: int, milliseconds: int) -> Instant:
    at = datetime.fromtimestamp(seconds, UTC)
    return Instant(f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z")


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


def page(edges: list[Any], *, has_next: bool, after: str | None) -> dict[str, Any]:
    """The fields that all connections share."""
    return {
        "edges": edges,
        "nodes": [edge.node for edge in edges],
        "page_info": PageInfo(
            has_next_page=has_next,
            has_previous_page=bool(after),
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    }


def page_size(first: int | None) -> int:
    """0 means the default in the contracts, so a client's own 0 is rejected here."""
    if first == 0:
        rule = "must be between 1 and 100"
        raise InvalidArgument(f"first: {rule}", fields=[Violation(("first",), rule)])
    return 0 if first is None else first


def is_set(value: Any) -> bool:
    """Whether the client sent an optional field of an input; null counts."""
    return value is not strawberry.UNSET
