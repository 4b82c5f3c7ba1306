"""Values that all services share: ids, money, time, text, cursors. No I/O except the clock and the system's randomness."""

from kit.values.address import read_address
from kit.values.backoff import Backoff, backoff_seconds
from kit.values.cards import looks_like_card_number
from kit.values.clock import Clock, rfc3339, timestamp_from_proto, timestamp_to_proto, utc_now
from kit.values.cursor import (
    Position,
    decode_cursor,
    decode_position,
    encode_cursor,
    encode_position,
    integer_key,
    invalid_cursor,
    text_key,
)
from kit.values.deadline import deadline, remaining
from kit.values.fingerprint import request_fingerprint
from kit.values.ids import (
    ACCOUNT,
    ADDRESS,
    AUDIT,
    CART,
    CART_LINE,
    CATEGORY,
    NOTIFICATION,
    ORDER,
    PAYMENT,
    PAYMENT_METHOD,
    PRODUCT,
    REFUND,
    SESSION,
    SHIPPING_METHOD,
    SHIPPING_ZONE,
    TAXES,
    VARIANT,
    Id,
    IdKind,
    IdParser,
    SoldId,
)
from kit.values.money import CURRENCIES, Currency, MixedCurrency, Money, money_from_proto, money_to_proto
from kit.values.names import find_hidden_character
from kit.values.network import client_network
from kit.values.page import MAX_COUNT, Page, exact_count, first_page_size, requested_page, requested_page_by
from kit.values.text import FieldReader, plain_decimal, read_id
from kit.values.tokens import secret_token

__all__ = [
    "ACCOUNT",
    "ADDRESS",
    "AUDIT",
    "CART",
    "CART_LINE",
    "CATEGORY",
    "CURRENCIES",
    "MAX_COUNT",
    "NOTIFICATION",
    "ORDER",
    "PAYMENT",
    "PAYMENT_METHOD",
    "PRODUCT",
    "REFUND",
    "SESSION",
    "SHIPPING_METHOD",
    "SHIPPING_ZONE",
    "TAXES",
    "VARIANT",
    "Backoff",
    "Clock",
    "Currency",
    "FieldReader",
    "Id",
    "IdKind",
    "IdParser",
    "MixedCurrency",
    "Money",
    "Page",
    "Position",
    "SoldId",
    "backoff_seconds",
    "client_network",
    "deadline",
    "decode_cursor",
    "decode_position",
    "encode_cursor",
    "encode_position",
    "exact_count",
    "find_hidden_character",
    "first_page_size",
    "integer_key",
    "invalid_cursor",
    "looks_like_card_number",
    "money_from_proto",
    "money_to_proto",
    "plain_decimal",
    "read_address",
    "read_id",
    "remaining",
    "request_fingerprint",
    "requested_page",
    "requested_page_by",
    "rfc3339",
    "secret_token",
    "text_key",
    "timestamp_from_proto",
    "timestamp_to_proto",
    "utc_now",
]
