"""The API's own scalars. All of them are text in Python; what they carry is exact."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

# "999.99": digits, perhaps a sign and a fraction.
Amount = NewType("Amount", str)
# "2026-11-23T09:30:00.000Z"
Instant = NewType("Instant", str)
CurrencyCode = NewType("CurrencyCode", str)
CountryCode = NewType("CountryCode", str)

_AMOUNT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})((?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))"
)
_LONGEST_CODE = 10


def parse_amount(value: Any) -> Amount:
    """Reads a decimal from a variable: a number (read as Decimal, never as float) or text."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise GraphQLError("a Decimal is a number or a string, such as 999.99")
    text = str(value)
    if not _AMOUNT.fullmatch(text):
        raise GraphQLError(
            "a Decimal is written in digits, such as 999.99; without exponent, NaN or infinity"
        )
    return Amount(text)


def parse_amount_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Amount:
    """Reads a decimal from a document, digit by digit as it is written."""
    if not isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
        raise GraphQLError("a Decimal is a number or a string, such as 999.99", node)
    return parse_amount(node.value)


def parse_instant(value: Any) -> Instant:
    """Reads an RFC 3339 instant with any offset."""
    if not isinstance(value, str):
        raise GraphQLError("a DateTime is text, such as 2026-11-23T09:30:00Z")
    try:
        instant = _instant(value)
    except (ValueError, OverflowError):
        raise GraphQLError("a DateTime is written as RFC 3339 says, such as 2026-11-23T09:30:00Z") from None
    if instant.tzinfo is None or not any(mark in value for mark in "Tt "):
        raise GraphQLError("a DateTime needs a time and an offset, such as 2026-11-23T09:30:00Z")
    try:
        utc = instant.astimezone(UTC)
    except OverflowError:
        raise GraphQLError("a DateTime lies between the years 1 and 9999") from None
    return Instant(utc.isoformat().replace("+00:00", "Z"))


def _instant(text: str) -> datetime:
    """RFC 3339 allows small letters, a space in the middle and leap seconds, which Python's reader of ISO 8601 does not take."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        return datetime.fromisoformat(text)
    day, minute, second, rest = found.groups()
    is_leap = second == "60"
    instant = datetime.fromisoformat(f"{day}T{minute}:{59 if is_leap else second}{rest.upper()}")
    return instant + timedelta(seconds=is_leap)


def parse_code(value: Any) -> str:
    """Reads a code; whether it is known, the owning service says."""
    if not isinstance(value, str) or len(value) > _LONGEST_CODE:
        raise GraphQLError("a code is short text, such as USD")
    return value


def _same(value: Any) -> Any:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Amount: strawberry.scalar(
        name="Decimal",
        description='Exact decimal amount. Written as a number or a string (999.99 or "999.99"; numbers in variables '
        "are read as decimals too; no exponent, NaN or infinity), answered as a string with exactly the currency's "
        'decimals ("5.00" USD, "500" JPY).',
        serialize=_same,
        parse_value=parse_amount,
        parse_literal=parse_amount_literal,
    ),
    Instant: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 instant. Any offset in, UTC with milliseconds out: 2026-11-23T09:30:00.000Z.",
        serialize=_same,
        parse_value=parse_instant,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="ISO 4217 code out of the deployment's list, e.g. USD.",
        serialize=_same,
        parse_value=parse_code,
    ),
    CountryCode: strawberry.scalar(
        name="CountryCode",
        description="ISO 3166-1 alpha-2, or XK, AC, TA, EA, IC.",
        serialize=_same,
        parse_value=parse_code,
    ),
}
