"""Reads the fields that all rules have: places and classes of goods."""

import re

from kit.values import FieldReader
from order.pricing.places import MAX_POSTAL_PREFIX, Place
from order.pricing.rules import STANDARD

_CLASS = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_CLASS_LENGTH = 50
_MAX_NAME_LENGTH = 100


def read_place(reader: FieldReader, country: str, region: str, postal_prefix: str, *path: str | int) -> Place:
    """A place in a country."""
    region = reader.name(region, *path, "region", min_length=0, max_length=_MAX_NAME_LENGTH)
    place = Place.of(country, region, reader.text(postal_prefix, *path, "postalPrefix", max_length=20))
    valid = len(place.postal_prefix) <= MAX_POSTAL_PREFIX
    reader.require(valid, f"must have at most {MAX_POSTAL_PREFIX} characters", *path, "postalPrefix")
    return place


def read_tax_class(reader: FieldReader, text: str, *path: str | int) -> str:
    """The class of a rate, `standard` if it is empty."""
    tax_class = text or STANDARD
    valid = bool(_CLASS.fullmatch(tax_class)) and len(tax_class) <= _MAX_CLASS_LENGTH
    reader.require(valid, "must be 1-50 small letters, digits and single hyphens, such as reduced", *path)
    return tax_class
