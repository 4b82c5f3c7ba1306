"""A postal address."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; optional parts may be empty. `country_code` is ISO 3166-1 alpha-2."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country_code: str
