"""Values that every service speaks: ids, money, time, text, cursors. No I/O but the clock's and the system's randomness."""

from kit.values.cards import looks_like_card_number
from kit.values.clock import Clock, rfc3339, timestamp, timestamp_to_proto, utc_now
from kit.values.cursor import (
    Position,
    decode_cursor,
    encode_cursor,
    foreign_cursor,
    position_cursor,
    position_of,
)
from kit.values.deadline import deadline, remaining
from kit.values.ids import (
    ACCOUNT,
    AUDIT,
    CATEGORY,
    NOTIFICATION,
    ORDER,
    PAYMENT,
    PRODUCT,
    REFUND,
    SESSION,
    IdKind,
)
from kit.values.money import CURRENCIES, Currency, MixedCurrency, Money, money_from_proto, money_to_proto
from kit.values.network import network_of
from kit.values.page import MAX_COUNT, Page, exact_count
from kit.values.text import Input
from kit.values.tokens import secret_token

__all__ = [
    "ACCOUNT",
    "AUDIT",
    "CATEGORY",
    "CURRENCIES",
    "MAX_COUNT",
    "NOTIFICATION",
    "ORDER",
    "PAYMENT",
    "PRODUCT",
    "REFUND",
    "SESSION",
    "Clock",
    "Currency",
    "IdKind",
    "Input",
    "MixedCurrency",
    "Money",
    "Page",
    "Position",
    "deadline",
    "decode_cursor",
    "encode_cursor",
    "exact_count",
    "foreign_cursor",
    "looks_like_card_number",
    "money_from_proto",
    "money_to_proto",
    "network_of",
    "position_cursor",
    "position_of",
    "remaining",
    "rfc3339",
    "secret_token",
    "timestamp",
    "timestamp_to_proto",
    "utc_now",
]
