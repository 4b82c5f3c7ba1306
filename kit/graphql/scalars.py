"""The API's own scalars. All are text in Python, so no precision is lost."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode
from kit.graphql.parsing import Number

# "999.99": digits, with an optional sign and fraction.
Amount = NewType("Amount", str)
# "2026-11-23T09:30:00.000Z"
Instant = NewType("Instant", str)
CurrencyCode = NewType("CurrencyCode", str)
CountryCode = NewType("CountryCode", str)
# Text or a number.
PathStep = NewType("PathStep", object)

_AMOUNT = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")
_EXPONENT = re.compile(r"-?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+")
_MAX_DIGITS = 40
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})((?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))"
)
_MAX_CODE_LENGTH = 10


def parse_amount(value: Any) -> Amount:
    """A decimal in a variable: a number (a Decimal, never a float) or text."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise GraphQLError("a Decimal is a number or a string, such as 999.99")
    # str() of a small Decimal has an exponent.
    text = value.text if isinstance(value, Number) else str(value)
    if _EXPONENT.fullmatch(text):
        raise GraphQLError("a Decimal has no exponent")
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise GraphQLError("a Decimal is written in digits, such as 999.99")
    if any(len(digits or "") > _MAX_DIGITS for digits in match.groups()):
        raise GraphQLError(f"a Decimal has up to {_MAX_DIGITS} digits before and after the point")
    return Amount(text)


def parse_amount_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Amount:
    """A decimal in a document, exactly as it is written."""
    if not isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
        raise GraphQLError("a Decimal is a number or a string, such as 999.99", node)
    return parse_amount(node.value)


def parse_instant(value: Any) -> Instant:
    """An RFC 3339 timestamp with any offset."""
    if not isinstance(value, str):
        raise GraphQLError("a DateTime is a string, such as 2026-11-23T09:30:00Z")
    try:
        instant = _instant(value)
    except (ValueError, OverflowError):
        raise GraphQLError("a DateTime must be in RFC 3339 format, such as 2026-11-23T09:30:00Z") from None
    if instant.tzinfo is None or not any(mark in value for mark in "Tt "):
        raise GraphQLError("a DateTime needs a time and an offset, such as 2026-11-23T09:30:00Z")
    try:
        utc = instant.astimezone(UTC)
    except OverflowError:
        raise GraphQLError("a DateTime must be between the years 1 and 9999") from None
    return Instant(utc.isoformat().replace("+00:00", "Z"))


def _instant(text: str) -> datetime:
    """RFC 3339 allows lower case, a space as separator and leap seconds; `datetime.fromisoformat` does not."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return datetime.fromisoformat(text)
    day, minute, second, rest = match.groups()
    is_leap = second == "60"
    instant = datetime.fromisoformat(f"{day}T{minute}:{59 if is_leap else second}{rest.upper()}")
    return instant + timedelta(seconds=is_leap)


def parse_currency(value: Any) -> str:
    """A code; its service checks whether it is supported."""
    return _code(value, "must be a currency code of three letters (ISO 4217), such as USD")


def parse_country(value: Any) -> str:
    """A code; its service checks whether it is known."""
    return _code(value, "must be a country code of two letters (ISO 3166-1), such as GB")


def _code(value: Any, rule: str) -> str:
    if not isinstance(value, str) or len(value) > _MAX_CODE_LENGTH:
        raise GraphQLError(rule)
    return value


def _identity(value: Any) -> Any:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    PathStep: strawberry.scalar(
        name="PathStep",
        description="One step of a path: the name of a field as a string, or the index in a list as a number.",
        serialize=_identity,
    ),
    Amount: strawberry.scalar(
        name="Decimal",
        description='Exact decimal amount. Input: a number or a string (999.99 or "999.99"; numbers in variables are exact too; no '
        "exponent, NaN or infinity). Output: a string with exactly the currency's number of decimals "
        '("5.00" USD, "500" JPY).',
        serialize=_identity,
        parse_value=parse_amount,
        parse_literal=parse_amount_literal,
    ),
    Instant: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 timestamp. Input: any offset. Output: UTC with milliseconds, 2026-11-23T09:30:00.000Z.",
        serialize=_identity,
        parse_value=parse_instant,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="ISO 4217 code that the deployment supports, e.g. USD.",
        serialize=_identity,
        parse_value=parse_currency,
    ),
    CountryCode: strawberry.scalar(
        name="CountryCode",
        description="ISO 3166-1 alpha-2, or XK, AC, TA, EA, IC.",
        serialize=_identity,
        parse_value=parse_country,
    ),
}
