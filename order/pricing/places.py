"""Where an order goes, and the places that rules are about."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

MAX_POSTAL_PREFIX = 10


class Place(NamedTuple):
    """A country, or a part of it: a region, the postal codes with a prefix, or both. Normalized as `Destination` is."""

    country: str
    region: str = ""
    postal_prefix: str = ""

    @classmethod
    def of(cls, country: str, region: str = "", postal_prefix: str = "") -> "Place":
        """A place of values as they were entered."""
        destination = Destination.of(country, region, postal_prefix)
        return cls(destination.country, destination.region, destination.postal_code)

    @property
    def specificity(self) -> tuple[int, bool]:
        """Orders the places that one destination is in: a longer prefix, then a region, is the more specific one."""
        return len(self.postal_prefix), self.region != ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the goods go, which decides tax and shipping; an empty country is an unknown one."""

    country: str
    region: str = ""
    postal_code: str = ""

    @classmethod
    def of(cls, country: str, region: str = "", postal_code: str = "") -> "Destination":
        """Upper case, without the spaces of a postal code; a region may carry its country: CH-ZH is ZH."""
        country = country.strip().upper()
        region = region.strip().upper().removeprefix(country + "-")
        return cls(country, region, "".join(postal_code.split()).upper())

    def places(self) -> Iterator[Place]:
        """Every place that the destination is in, the most general first."""
        regions = ("", self.region) if self.region else ("",)
        for length in range(min(len(self.postal_code), MAX_POSTAL_PREFIX) + 1):
            for region in regions:
                yield Place(self.country, region, self.postal_code[:length])
