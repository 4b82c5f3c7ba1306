"""Rules for fields that products and variants share."""

import re
from typing import Final

from catalog.identities import without_invisible
from kit.values import FieldReader, Money, find_hidden_character

MAX_STOCK: Final = 1_000_000_000
STANDARD_TAX_CLASS: Final = "standard"
_PRICE_BELOW: Final = 10_000_000_000
_TAX_CLASS: Final = re.compile(r"(?=.{1,50}$)[a-z0-9]+(-[a-z0-9]+)*")


def read_price(reader: FieldReader, value: Money, *path: str | int) -> Money:
    """A price that is above zero and that the payment provider can charge."""
    reader.require(value.minor > 0, "must be above zero", *path)
    reader.require(value.decimal() < _PRICE_BELOW, f"must be below {_PRICE_BELOW:,}", *path)
    reader.require(not value.step_violation(), value.step_violation(), *path)
    return value


def read_sku(reader: FieldReader, value: str, *path: str | int) -> str:
    """1-64 characters, or empty; invisible characters are left out."""
    sku = reader.not_blank(without_invisible(value), *path)
    reader.require(bool(sku) or not value, "must not be empty", *path)
    hidden = find_hidden_character(sku)
    reader.require(hidden is None, f"must not contain the character {hidden}", *path)
    return reader.text(sku, *path, max_length=64)


def read_tax_class(reader: FieldReader, value: str) -> str:
    """The class of tax rates; STANDARD_TAX_CLASS if empty."""
    rule = "must have 1-50 lower-case letters, digits and single hyphens between them"
    reader.require(not value or bool(_TAX_CLASS.fullmatch(value)), rule, "taxClass")
    return value or STANDARD_TAX_CLASS
