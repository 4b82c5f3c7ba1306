"""Amounts as people write them in English mails: `$1,038.99`, `¥900`, `KWD 18.600`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

# The symbols of Unicode CLDR's English locale; a currency without one is written with its code.
_SYMBOLS: Final[Mapping[str, str]] = {
    "AUD": "A$",
    "CAD": "CA$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "USD": "$",
}
_NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"


def amount_text(decimal: str, currency: str) -> str:
    """The amount with its currency; `decimal` has exactly the currency's decimals, as `Money.text` writes it."""
    value = Decimal(decimal)
    unit = _SYMBOLS.get(currency, currency + _NO_BREAK_SPACE)
    return f"{'-' if value < 0 else ''}{unit}{abs(value):,f}"
